import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Failure } from '@strangler-fig/kernel/failure';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import { newTraceparent, traceIdOf } from '@strangler-fig/kernel/trace';
import { checkHeaders, isHost } from './check/headers.ts';
import { parseTarget, type RequestTarget, TargetRefused } from './check/target.ts';
import type { Shadow } from './compare/shadow.ts';
import { type Decision, decide } from './decide/decide.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { discardBody, hasBody } from './forward/request-body.ts';
import { requestHeaders, type Vouched } from './forward/request-headers.ts';
import { servedByHeader } from './forward/response-headers.ts';
import { type UpstreamFailure, upstreamFailure, upstreamProblem } from './forward/upstream-failure.ts';
import type { WebSocketForwarder } from './forward/websocket.ts';
import type { Identifier } from './identify/identify.ts';
import { refuseOnSocket } from './receive/refusal.ts';
import type { Record as Records } from './record/record.ts';
import type { Backend, RouteTable } from './routes/model.ts';

/** The steps a request goes through, and what they need. */
export interface Steps {
  /** The table in force now. A request asks once and keeps what it got. */
  readonly table: () => RouteTable;
  readonly identifier: Identifier;
  readonly forwarder: Forwarder;
  readonly webSockets: WebSocketForwarder;
  readonly shadow: Shadow;
  readonly record: Records;
}

/** What is known of a request once it has been checked. */
interface Checked {
  readonly table: RouteTable;
  readonly target: RequestTarget;
  /** What a backend is asked for: path and query as received, without the authority of an absolute target. */
  readonly path: string;
  /** The authority that was asked for; that of an absolute target takes the place of Host (RFC 9112, 3.2.2). */
  readonly host: string;
  readonly decision: Decision;
  readonly backend: Backend;
  readonly clientAddress: string;
  readonly traceparent: string;
}

/** check -> decide -> identify -> forward -> compare -> record, for one ordinary request. */
export async function exchange(
  steps: Steps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const traceparent = traceparentOf(request);
  const over = (
    route: string | undefined,
    backend: string,
    status: number,
    failure?: UpstreamFailure,
    failed?: string,
  ) =>
    steps.record.finished({
      method: request.method ?? '',
      path: pathOf(request),
      route,
      backend,
      status,
      failure,
      failed,
      traceId: traceIdOf(traceparent) ?? '',
      startedAt,
    });

  if (request.url === '*' && request.method === 'OPTIONS' && checkHeaders(request) === undefined) {
    answerForTheServer(request, response);
    return over(undefined, 'facade', 204);
  }
  const checked = check(steps, request, traceparent);
  if ('status' in checked) {
    // What comes next on the connection of a request that is read in two ways is not to be trusted.
    refuse(request, response, checked, checked.code === 'no_route' ? {} : { connection: 'close' });
    return over(undefined, 'facade', checked.status);
  }
  const { table, decision, backend } = checked;
  const { route } = decision;

  let vouched: Vouched;
  try {
    vouched = await vouch(steps, checked, request);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    refuse(request, response, identityProblem(error, route.name), { 'retry-after': '1' });
    return over(route.name, 'facade', 503, identityFailure(error), checked.table.identity?.session?.backend);
  }

  const other = comparedWith(checked, request);
  const comparison = other === undefined ? undefined : steps.shadow.begin(route.name);
  const method = request.method ?? 'GET';
  const result = await steps.forwarder.forward({
    backend,
    method,
    path: checked.path,
    headers: requestHeaders(request, backend, vouched),
    request,
    response,
    answerHeaders: answerHeaders(table, decision, backend),
    tap: comparison?.tap,
  });
  steps.identifier.answered(table, backend, request);

  if (other !== undefined && result.kind === 'answered') {
    comparison?.finish(async () => {
      const identity = await steps.identifier.identityFor(table, route, other, request);
      return {
        other,
        method,
        path: checked.path,
        headers: requestHeaders(request, other, { ...vouched, identity }),
      };
    });
  } else comparison?.cancel();

  if (result.kind !== 'failed') {
    return over(
      route.name,
      backend.name,
      result.status,
      result.kind === 'broken' ? result.failure : undefined,
    );
  }
  if (result.failure.kind === 'client_gone') return over(route.name, backend.name, 0, result.failure);
  const problem = upstreamProblem(result.failure, route.name, backend.name);
  refuse(request, response, problem);
  over(route.name, backend.name, problem.status, result.failure);
}

/** check -> decide -> identify -> forward -> record, for one WebSocket handshake. */
export async function exchangeWebSocket(
  steps: Steps,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  // Until it is handed over, an error of the socket has nobody else to hear it.
  socket.on('error', () => socket.destroy());
  const startedAt = performance.now();
  const traceparent = traceparentOf(request);
  const path = pathOf(request);
  const over = (
    route: string | undefined,
    backend: string,
    status: number,
    failure?: UpstreamFailure,
    failed?: string,
  ) =>
    steps.record.finished({
      method: 'WEBSOCKET',
      path,
      route,
      backend,
      status,
      failure,
      failed,
      traceId: traceIdOf(traceparent) ?? '',
      startedAt,
    });

  const checked = check(steps, request, traceparent);
  if ('status' in checked) {
    refuseOnSocket(socket, checked);
    return over(undefined, 'facade', checked.status);
  }
  const { table, decision, backend } = checked;
  const { route } = decision;
  let vouched: Vouched;
  try {
    vouched = await vouch(steps, checked, request);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    refuseOnSocket(socket, identityProblem(error, route.name), ['retry-after: 1']);
    return over(route.name, 'facade', 503, identityFailure(error), checked.table.identity?.session?.backend);
  }
  request.url = checked.path;
  steps.webSockets.forward({
    route: route.name,
    backend,
    request,
    socket,
    head,
    vouched,
    answerHeaders: answerHeaders(table, decision, backend),
    finished: (status, failure) => over(route.name, backend.name, status, failure),
  });
}

/** Everything that can be said of a request before a backend or the session's application is asked. */
function check(steps: Steps, request: IncomingMessage, traceparent: string): Checked | Problem {
  const refused = checkHeaders(request);
  if (refused !== undefined) return refused;
  let target: RequestTarget;
  try {
    target = parseTarget(request.url ?? '', request.method);
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    return { status: error.status, code: error.code, title: 'Request target refused', detail: error.line };
  }
  const host = target.authority ?? request.headers.host ?? '';
  if (target.authority !== undefined && !isHost(host)) {
    return {
      status: 400,
      code: 'invalid_host',
      title: 'Bad request',
      detail: 'The target names no valid host.',
    };
  }
  const table = steps.table();
  const clientAddress = addressOf(request);
  const decision = decide(table, {
    method: request.method ?? 'GET',
    target,
    headers: request.headers,
    clientAddress,
  });
  const backend = decision === undefined ? undefined : table.backends.get(decision.backend);
  if (decision === undefined || backend === undefined) {
    return {
      status: 404,
      code: 'no_route',
      title: 'No route',
      detail:
        'No route in routes.yaml matches this request. A catch-all (path: /*) to the monolith usually should.',
    };
  }
  const path = target.query === undefined ? target.path : `${target.path}?${target.query}`;
  return { table, target, path, host, decision, backend, clientAddress, traceparent };
}

async function vouch(steps: Steps, checked: Checked, request: IncomingMessage): Promise<Vouched> {
  const { table, decision, backend, clientAddress, host, traceparent } = checked;
  const identity = await steps.identifier.identityFor(table, decision.route, backend, request);
  const scheme = (request.socket as TLSSocket).encrypted ? 'https' : 'http';
  return { clientAddress, scheme, host, traceparent, identity };
}

/** The backend whose answer is to be compared. Only reads are repeated, and of those only the plainest. */
function comparedWith({ table, decision, backend }: Checked, request: IncomingMessage): Backend | undefined {
  const { compare, writes } = decision.route;
  if (compare === undefined || writes || request.method !== 'GET' || hasBody(request)) return undefined;
  const other = table.backends.get(compare);
  return other === backend ? undefined : other;
}

function answerHeaders(table: RouteTable, decision: Decision, backend: Backend): [string, string][] {
  const headers: [string, string][] = [];
  if (table.servedBy) headers.push([servedByHeader, backend.name]);
  if (decision.setCookie !== undefined) headers.push(['set-cookie', decision.setCookie]);
  return headers;
}

/** Answers for the facade itself. What the client still sends of its body is read and dropped. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  // A client that waits for 100-continue may send its body after a refusal, or its next request.
  const unsure = request.headers.expect !== undefined && !request.complete;
  sendProblem(response, problem, unsure ? { ...headers, connection: 'close' } : headers);
  discardBody(request);
}

/** `OPTIONS *` asks about the server as a whole (RFC 9110, 9.3.7), which to the client is the facade. */
function answerForTheServer(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' });
  response.end();
  discardBody(request);
}

function identityProblem(error: Failure, route: string): Problem {
  return {
    status: 503,
    code: error.code,
    title: 'The caller could not be identified',
    detail: error.line,
    route,
  };
}

/** For the log only: the cause names addresses, which the client is not told. */
function identityFailure(error: Failure): UpstreamFailure {
  return upstreamFailure(error.cause);
}

function traceparentOf(request: IncomingMessage): string {
  const received = request.headers.traceparent;
  return typeof received === 'string' && traceIdOf(received) !== undefined ? received : newTraceparent();
}

/** IPv4 clients of a dual-stack socket appear as themselves. */
function addressOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]?.slice(0, 1024) ?? '';
}
