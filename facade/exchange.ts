import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Failure } from '@strangler-fig/kernel/failure';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import { newTraceparent, traceIdOf } from '@strangler-fig/kernel/trace';
import { checkHeaders, isHost } from './check/headers.ts';
import { parseTarget, type RequestTarget, TargetRefused } from './check/target.ts';
import { comparedWith } from './compare/compared-with.ts';
import type { Shadow, Shadowing } from './compare/shadow.ts';
import { type Decision, decide } from './decide/decide.ts';
import { type FaultKind, faultHeader, faultProblem, injectFault } from './faults/fault.ts';
import type { Fallback, Forwarder } from './forward/forwarder.ts';
import { discardBody } from './forward/request-body.ts';
import type { Vouched } from './forward/request-headers.ts';
import { servedByHeader } from './forward/response-headers.ts';
import {
  retryAfterHeader,
  type UpstreamFailure,
  upstreamFailure,
  upstreamProblem,
} from './forward/upstream-failure.ts';
import type { WebSocketForwarder } from './forward/websocket.ts';
import type { Identifier } from './identify/identify.ts';
import type { Received } from './receive/received.ts';
import { refuseOnSocket } from './receive/refusal.ts';
import type { Record as Records } from './record/record.ts';
import { answerRewriter, headersAsked } from './rewrite/of-route.ts';
import { askedPath } from './rewrite/rewrite-path.ts';
import type { Backend, RouteTable } from './routes/model.ts';

/** The steps a request goes through, and what they need. */
export interface Steps {
  /** The table in force now. A request asks once and keeps what it got. */
  readonly table: () => RouteTable;
  readonly received: (request: IncomingMessage) => Received;
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
  /** What a backend is asked for: path and query as received or rewritten, never the authority of an absolute target. */
  readonly path: string;
  /** The authority that was asked for; that of an absolute target takes the place of Host (RFC 9112, 3.2.2). */
  readonly host: string;
  readonly decision: Decision;
  readonly backend: Backend;
  readonly received: Received;
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
  const received = steps.received(request);
  const over = (
    route: string | undefined,
    backend: string,
    status: number,
    failure?: UpstreamFailure,
    failed?: string,
  ) =>
    steps.record.finished({
      method: request.method ?? '',
      path: pathOf(received),
      route,
      backend,
      status,
      failure,
      failed,
      traceId: traceIdOf(traceparent) ?? '',
      startedAt,
    });

  if (received.target === '*' && request.method === 'OPTIONS' && checkHeaders(request) === undefined) {
    answerForTheServer(request, response);
    return over(undefined, 'facade', 204);
  }
  const checked = check(steps, request, received, traceparent);
  if ('status' in checked) {
    // What comes next on the connection of a request that is read in two ways is not to be trusted.
    refuse(request, response, checked, checked.code === 'no_route' ? {} : { connection: 'close' });
    return over(undefined, 'facade', checked.status);
  }
  const { table, decision, backend } = checked;
  const { route } = decision;
  const fault =
    route.faults &&
    (await injectFault(route.faults, response, (kind) => steps.record.faulted(route.name, kind)));
  if (fault === 'abort') {
    const problem = faultProblem(route.faults?.abort ?? 503, route.name);
    refuse(request, response, problem, { [faultHeader]: fault });
    return over(route.name, 'facade', problem.status);
  }

  let vouched: Vouched;
  try {
    vouched = await vouch(steps, checked, request);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    refuse(request, response, identityProblem(error, route.name), { 'retry-after': '1' });
    return over(route.name, 'facade', 503, identityFailure(error), checked.table.identity?.session?.backend);
  }

  const method = request.method ?? 'GET';
  const comparison = beginComparison(steps.shadow, checked, request);
  const result = await steps.forwarder.forward({
    backend,
    method,
    path: checked.path,
    headers: headersAsked(route, request, backend, vouched),
    request,
    response,
    answerHeaders: answerHeaders(table, decision, backend, fault),
    rewriteAnswer: answerRewriter(route, backend, vouched),
    tap: comparison?.shadowing.tap,
    bodyTap: comparison?.shadowing.bodyTap,
    fallback: fallbackOf(steps, checked, request, vouched, fault),
  });
  const answering = result.backend ?? backend;
  steps.identifier.answered(table, answering, request);

  if (comparison !== undefined && result.kind === 'answered' && answering === backend) {
    const { other, shadowing } = comparison;
    shadowing.finish(async () => {
      const identity = await steps.identifier.identityFor(table, route, other, request);
      return {
        other,
        headers: headersAsked(route, request, other, { ...vouched, identity }),
        asSeen: answerRewriter(route, other, vouched) ?? ((headers) => headers),
      };
    });
  } else comparison?.shadowing.cancel();

  if (result.kind !== 'failed') {
    return over(
      route.name,
      answering.name,
      result.status,
      result.kind === 'broken' ? result.failure : undefined,
    );
  }
  const { failure } = result;
  if (failure.kind === 'client_gone') return over(route.name, answering.name, 0, failure);
  const problem = upstreamProblem(failure, route.name, answering.name);
  refuse(request, response, problem, retryAfterHeader(failure));
  over(route.name, answering.name, problem.status, failure);
}

/**
 * check -> decide -> identify -> forward -> record, for one WebSocket handshake.
 * @param leave asked before this returns: true for a backend whose handshakes are not to be touched here.
 */
export async function exchangeWebSocket(
  steps: Steps,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  leave?: (backend: Backend) => boolean,
): Promise<void> {
  const startedAt = performance.now();
  const traceparent = traceparentOf(request);
  const received = steps.received(request);
  const path = pathOf(received);
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

  const checked = check(steps, request, received, traceparent);
  if (!('status' in checked) && leave?.(checked.backend)) return;
  // Until it is handed over, an error of the socket has nobody else to hear it.
  socket.on('error', () => socket.destroy());
  if ('status' in checked) {
    refuseOnSocket(socket, checked);
    return over(undefined, 'facade', checked.status);
  }
  const { table, decision, backend } = checked;
  const { route } = decision;
  const fault =
    route.faults &&
    (await injectFault(route.faults, socket, (kind) => steps.record.faulted(route.name, kind)));
  if (fault === 'abort') {
    const problem = faultProblem(route.faults?.abort ?? 503, route.name);
    refuseOnSocket(socket, problem, [`${faultHeader}: ${fault}`]);
    return over(route.name, 'facade', problem.status);
  }
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
    requestHeaders: route.rewrite?.requestHeaders,
    answerHeaders: answerHeaders(table, decision, backend, fault),
    rewriteAnswer: answerRewriter(route, backend, vouched),
    finished: (status, failure) => over(route.name, backend.name, status, failure),
  });
}

/** Everything that can be said of a request before a backend or the session's application is asked. */
function check(
  steps: Steps,
  request: IncomingMessage,
  received: Received,
  traceparent: string,
): Checked | Problem {
  const refused = checkHeaders(request);
  if (refused !== undefined) return refused;
  let target: RequestTarget;
  try {
    target = parseTarget(received.target, request.method);
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
  const decision = decide(table, {
    method: request.method ?? 'GET',
    target,
    headers: request.headers,
    clientAddress: received.address,
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
  const path = askedPath(decision.route.rewrite, target);
  return { table, target, path, host, decision, backend, received, traceparent };
}

async function vouch(steps: Steps, checked: Checked, request: IncomingMessage): Promise<Vouched> {
  const { table, decision, backend, received, host, traceparent } = checked;
  const identity = await steps.identifier.identityFor(table, decision.route, backend, request);
  const { address, scheme } = received;
  return { clientAddress: address, scheme, host, traceparent, identity };
}

/** Who answers when the backend fails, with an identity and headers of its own. */
function fallbackOf(
  { identifier }: Steps,
  { table, decision, backend }: Checked,
  request: IncomingMessage,
  vouched: Vouched,
  fault: FaultKind | undefined,
): Fallback | undefined {
  const { route } = decision;
  const { fallback } = route;
  const other = fallback && table.backends.get(fallback.backend);
  if (fallback === undefined || other === undefined || other === backend) return undefined;
  return {
    route: route.name,
    backend: other,
    on: fallback.on,
    keep: fallback.body,
    idempotencyKey: fallback.idempotencyKey,
    prepare: async () => {
      try {
        const identity = await identifier.identityFor(table, route, other, request);
        return {
          headers: headersAsked(route, request, other, { ...vouched, identity }),
          answerHeaders: answerHeaders(table, decision, other, fault),
          rewriteAnswer: answerRewriter(route, other, vouched),
        };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return undefined;
      }
    },
  };
}

/** Begins a comparison where the route and the request allow one. */
function beginComparison(
  shadow: Shadow,
  { table, decision: { route }, backend, path, traceparent }: Checked,
  request: IncomingMessage,
): { other: Backend; shadowing: Shadowing } | undefined {
  const { compare } = route;
  if (compare === undefined) return undefined;
  const traceId = traceIdOf(traceparent) ?? '';
  const other = comparedWith(table, route, backend, request, traceId);
  if (other === undefined) return undefined;
  const { method = 'GET' } = request;
  const shadowing = shadow.begin({
    route: route.name,
    compare,
    method,
    path,
    traceId,
    backend: backend.name,
  });
  return shadowing && { other, shadowing };
}

function answerHeaders(
  table: RouteTable,
  decision: Decision,
  backend: Backend,
  fault: FaultKind | undefined,
): [string, string][] {
  const headers: [string, string][] = [];
  if (fault !== undefined) headers.push([faultHeader, fault]);
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

function pathOf({ target }: Received): string {
  return target.split('?', 1)[0]?.slice(0, 1024) ?? '';
}
