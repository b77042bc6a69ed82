import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problemBody } from '@strangler-fig/kernel/problem';

/** Answers on a bare socket, where node:http has no response object, and ends the connection. */
export function refuseOnSocket(socket: Duplex, problem: Problem): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemBody(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${body.length}`,
    'cache-control: no-store',
    'connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

/** What to say of bytes that node:http's parser refused. */
export function parserProblem(error: NodeJS.ErrnoException): Problem {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        code: 'headers_too_large',
        title: 'Headers too large',
        detail: 'The request line and headers are larger than the facade accepts.',
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        status: 408,
        code: 'request_timeout',
        title: 'The request took too long to arrive',
        detail: 'The request line and headers did not arrive within the time-out.',
      };
    default:
      return {
        status: 400,
        code: 'malformed_request',
        title: 'Bad request',
        detail: 'The request is not valid HTTP/1.1.',
      };
  }
}
