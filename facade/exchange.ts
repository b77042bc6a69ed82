import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Failure } from '@strangler-fig/kernel/failure';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import { newTraceparent, traceIdOf } from '@strangler-fig/kernel/trace';
import { checkHeaders } from './check/headers.ts';
import { parseTarget, type RequestTarget, TargetRefused } from './check/target.ts';
import { AnswerKeeper } from './compare/answer.ts';
import type { Shadow } from './compare/shadow.ts';
import { type Decision, decide } from './decide/decide.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { requestHeaders, type Vouched } from './forward/request-headers.ts';
import { servedByHeader } from './forward/response-headers.ts';
import { type UpstreamFailure, upstreamProblem } from './forward/upstream-failure.ts';
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
  const over = (route: string | undefined, backend: string, status: number, failure?: UpstreamFailure) =>
    steps.record.finished({
      method: request.method ?? '',
      path: pathOf(request),
      route,
      backend,
      status,
      failure,
      traceId: traceIdOf(traceparent) ?? '',
      startedAt,
    });

  const checked = check(steps, request, traceparent);
  if ('status' in checked) {
    refuse(request, response, checked);
    return over(undefined, 'facade', checked.status);
  }
  const { table, decision, backend } = checked;
  const { route } = decision;

  let vouched: Vouched;
  try {
    vouched = await vouch(steps, checked, request, backend);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    refuse(request, response, identityProblem(error, route.name), { 'retry-after': '1' });
    return over(route.name, 'facade', 503);
  }

  const other = route.compare === undefined ? undefined : table.backends.get(route.compare);
  const keeper =
    other !== undefined && other !== backend && isComparable(request) ? new AnswerKeeper() : undefined;

  const result = await steps.forwarder.forward({
    backend,
    method: request.method ?? 'GET',
    path: checked.target.raw,
    headers: requestHeaders(request, backend, vouched),
    request,
    response,
    answerHeaders: answerHeaders(table, decision, backend),
    tap: keeper,
  });
  steps.identifier.answered(table, backend, request);

  if (result.kind === 'failed') {
    if (result.failure.kind === 'client_gone') return over(route.name, backend.name, 0, result.failure);
    const problem = upstreamProblem(result.failure, route.name, backend.name);
    refuse(request, response, problem);
    return over(route.name, backend.name, problem.status, result.failure);
  }
  over(route.name, backend.name, result.status, result.kind === 'broken' ? result.failure : undefined);

  const answer = result.kind === 'answered' ? keeper?.answer() : undefined;
  if (other === undefined || answer === undefined || !steps.shadow.admit(route.name)) return;
  const identity = await steps.identifier.identityFor(table, route, other, request).catch(() => undefined);
  steps.shadow.start({
    route: route.name,
    primary: { backend: backend.name, answer },
    other,
    method: request.method ?? 'GET',
    path: checked.target.raw,
    headers: requestHeaders(request, other, { ...vouched, identity }),
  });
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
  const checked = check(steps, request, traceparent);
  if ('status' in checked) return refuseOnSocket(socket, checked);
  const { decision, backend } = checked;
  const { route } = decision;
  let vouched: Vouched;
  try {
    vouched = await vouch(steps, checked, request, backend);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return refuseOnSocket(socket, identityProblem(error, route.name));
  }
  request.url = checked.target.raw;
  steps.webSockets.forward({
    route: route.name,
    backend,
    request,
    socket,
    head,
    vouched,
    finished: (failure) =>
      steps.record.finished({
        method: 'WEBSOCKET',
        path: pathOf(request),
        route: route.name,
        backend: backend.name,
        status: failure === undefined ? 101 : 502,
        failure,
        traceId: traceIdOf(traceparent) ?? '',
        startedAt,
      }),
  });
}

/** Everything that can be said of a request before a backend or the session's application is asked. */
function check(steps: Steps, request: IncomingMessage, traceparent: string): Checked | Problem {
  const refused = checkHeaders(request);
  if (refused !== undefined) return refused;
  let target: RequestTarget;
  try {
    target = parseTarget(request.url ?? '');
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    return { status: error.status, code: error.code, title: 'Request target refused', detail: error.line };
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
  return { table, target, decision, backend, clientAddress, traceparent };
}

async function vouch(
  steps: Steps,
  checked: Checked,
  request: IncomingMessage,
  backend: Backend,
): Promise<Vouched> {
  return {
    clientAddress: checked.clientAddress,
    scheme: (request.socket as TLSSocket).encrypted ? 'https' : 'http',
    traceparent: checked.traceparent,
    identity: await steps.identifier.identityFor(checked.table, checked.decision.route, backend, request),
  };
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
  const unread = !request.complete;
  sendProblem(response, problem, unread ? { ...headers, connection: 'close' } : headers);
  if (unread) request.resume();
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

function isComparable(request: IncomingMessage): boolean {
  return request.method === 'GET';
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
