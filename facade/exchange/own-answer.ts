import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import { discardBody } from '../forward/request-body.ts';
import { refuseOnSocket } from '../receive/refusal.ts';
import type { OwnAnswer } from './gate.ts';

/** Answers for the facade itself. What the client still sends of its body is read and dropped. */
export function answerItself(
  request: IncomingMessage,
  response: ServerResponse,
  answer: OwnAnswer,
  further: readonly (readonly [string, string])[] = [],
): void {
  const headers = { ...Object.fromEntries(further), ...answer.headers };
  if ('problem' in answer) {
    refuse(request, response, answer.problem, headers);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, { ...headers, ...closesWhereUnsure(request) });
  response.end();
  discardBody(request);
}

/** The same on the bare socket of a WebSocket handshake, to which only a refusal can be an answer. */
export function answerOnSocket(
  socket: Duplex,
  answer: OwnAnswer,
  further: readonly (readonly [string, string])[],
): void {
  if (!('problem' in answer)) {
    socket.destroy();
    return;
  }
  const headers = { ...Object.fromEntries(further), ...answer.headers };
  refuseOnSocket(
    socket,
    answer.problem,
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  );
}

/** The status of an answer of the facade's own. */
export function statusOf(answer: OwnAnswer): number {
  return 'problem' in answer ? answer.problem.status : answer.status;
}

export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  sendProblem(response, problem, { ...headers, ...closesWhereUnsure(request) });
  discardBody(request);
}

/** A client that waits for 100-continue may send its body after a refusal, or its next request. */
function closesWhereUnsure(request: IncomingMessage): Record<string, string> {
  return request.headers.expect !== undefined && !request.complete ? { connection: 'close' } : {};
}

/** `OPTIONS *` asks about the server as a whole (RFC 9110, 9.3.7), which to the client is the facade. */
export function answerForTheServer(request: IncomingMessage, response: ServerResponse): void {
  const headers = { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' };
  answerItself(request, response, { status: 204, headers });
}
