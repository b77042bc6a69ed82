import type { IncomingMessage } from 'node:http';
import type { Problem } from '@strangler-fig/kernel/problem';
import { newTraceparent, traceIdOf } from '@strangler-fig/kernel/trace';
import { checkHeaders, isHost } from '../check/headers.ts';
import { parseTarget, type RequestTarget, TargetRefused } from '../check/target.ts';
import { decide } from '../decide/decide.ts';
import type { Received } from '../receive/received.ts';
import { askedPath } from '../rewrite/rewrite-path.ts';
import { Checked } from './checked.ts';
import type { Steps } from './steps.ts';

/** Everything that can be said of a request before a backend or the session's application is asked. */
export function check(
  steps: Steps,
  request: IncomingMessage,
  received: Received,
  traceparent: string,
): Checked | Problem {
  const table = steps.table();
  const refused = checkHeaders(request, table.headers);
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
  return new Checked(
    { request, received, table, target, path, host, decision, backend, traceparent },
    steps.identifier,
  );
}

/** The client's trace context where it is one (W3C Trace Context, 3.2), else a new one. */
export function traceparentOf(request: IncomingMessage): string {
  const received = request.headers.traceparent;
  return typeof received === 'string' && traceIdOf(received) !== undefined ? received : newTraceparent();
}

/** Without its query, which may carry secrets, and no longer than is worth logging. */
export function pathOf({ target }: Received): string {
  return target.split('?', 1)[0]?.slice(0, 1024) ?? '';
}
