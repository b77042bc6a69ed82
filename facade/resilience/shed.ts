import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problemBody } from '@strangler-fig/kernel/problem';
import { discardBody, hasBody } from '../forward/request-body.ts';
import { refuseOnSocket } from '../receive/refusal.ts';

const problem: Problem = {
  status: 503,
  code: 'overloaded',
  title: 'Too many requests at once',
  detail: 'The facade has as many requests as it takes on at once; this one was not looked at.',
};

const body = problemBody(problem);

const head = [
  'content-type',
  'application/problem+json',
  'content-length',
  String(body.length),
  'cache-control',
  'no-store',
  'retry-after',
  '1',
];

/** Refuses a request as cheaply as can be: nothing of it is looked at, and nothing is made for it. */
export function shed(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503, head);
  response.end(request.method === 'HEAD' ? undefined : body);
  if (hasBody(request)) discardBody(request);
}

/** The same for a handshake. */
export function shedHandshake(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  refuseOnSocket(socket, problem, ['retry-after: 1']);
}
