import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { faultHeader, faultProblem, injectFault } from '../faults/fault.ts';
import { refuseOnSocket } from '../receive/refusal.ts';
import { answerRewriter } from '../rewrite/of-route.ts';
import type { Backend } from '../routes/model.ts';
import { answerHeaders } from './answer-headers.ts';
import { check } from './check.ts';
import { stoppedAt } from './gate.ts';
import { answerOnSocket, statusOf } from './own-answer.ts';
import type { Steps } from './steps.ts';
import { Trail } from './trail.ts';
import { vouch } from './vouch.ts';

/**
 * check -> decide -> gates -> identify -> forward -> record, for one WebSocket handshake.
 * @param leave asked before this returns: true for a backend whose handshakes are not to be touched here.
 */
export async function exchangeWebSocket(
  steps: Steps,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  leave?: (backend: Backend) => boolean,
): Promise<void> {
  const trail = new Trail(steps, request, 'WEBSOCKET');
  const { received, span } = trail;
  const checked = check(steps, request, received, trail.traceparent);
  if (!('status' in checked) && leave?.(checked.backend)) return;
  // Until it is handed over, an error of the socket has nobody else to hear it.
  socket.on('error', () => socket.destroy());
  if ('status' in checked) {
    refuseOnSocket(socket, checked);
    return trail.end(undefined, 'facade', checked.status);
  }
  const { route, backend } = checked;
  span?.decided(route, checked.host);
  const stopped = await stoppedAt(steps.gates, checked);
  if (stopped !== undefined) {
    answerOnSocket(socket, stopped, checked.answerHeaders);
    return trail.end(route.name, 'facade', statusOf(stopped));
  }
  const fault =
    route.faults &&
    (await injectFault(route.faults, socket, (kind) => steps.record.faulted(route.name, kind)));
  if (fault === 'abort') {
    const problem = faultProblem(route.faults?.abort ?? 503, route.name);
    refuseOnSocket(socket, problem, [`${faultHeader}: ${fault}`]);
    return trail.end(route.name, 'facade', problem.status);
  }
  const vouched = await vouch(checked);
  if ('answer' in vouched) {
    answerOnSocket(socket, vouched.answer, checked.answerHeaders);
    return trail.end(route.name, 'facade', statusOf(vouched.answer), vouched.failure, vouched.failed);
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
    answerHeaders: answerHeaders(checked, backend, fault),
    rewriteAnswer: answerRewriter(route, backend, vouched),
    finished: (status, failure) => trail.end(route.name, backend.name, status, failure),
  });
}
