import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problemBody } from '@strangler-fig/kernel/problem';

/**
 * Milliseconds in which a refused client may still send. Closing a connection on which bytes arrive resets it,
 * and a reset takes the answer away from a client that has not read it yet.
 */
const linger = 1_000;

/** Answers on a bare socket, where node:http has no response object, and ends the connection. */
export function refuseOnSocket(socket: Duplex, problem: Problem, headers: readonly string[] = []): void {
  if (socket.writableEnded) return;
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
    ...headers,
    'connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
  lingerThenClose(socket);
}

/** Closes a socket whose last bytes are written, in a moment or when the client does. */
export function lingerThenClose(socket: Duplex): void {
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), linger);
  socket.once('close', () => clearTimeout(cut));
}

/** A facade stands before applications; it is not a tunnel to anywhere. */
export const connectRefused: Problem = {
  status: 405,
  code: 'method_not_supported',
  title: 'Method not supported',
  detail: 'CONNECT asks for a tunnel, which the facade does not offer.',
};

export const expectationProblem: Problem = {
  status: 417,
  code: 'expectation_unknown',
  title: 'Expectation not supported',
  detail: 'The only expectation that is met is 100-continue.',
};

interface ParserError extends NodeJS.ErrnoException {
  /** The bytes in which the parser stopped, and how many of them it had taken. */
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

/** What to say of bytes that node:http's parser refused. */
export function parserProblem(error: ParserError): Problem {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      if (isRequestLine(error.rawPacket?.subarray(0, error.bytesParsed))) {
        return {
          status: 414,
          code: 'target_too_long',
          title: 'Request target refused',
          detail:
            'The request line is longer than the facade accepts. Send long parameters in a request body.',
        };
      }
      return {
        status: 431,
        code: 'headers_too_large',
        title: 'Headers too large',
        detail: 'The request line and headers are larger than the facade accepts.',
      };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return {
        status: 413,
        code: 'chunk_extensions_too_large',
        title: 'Chunk extensions too large',
        detail: 'The chunk extensions of the request body are larger than the facade accepts.',
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

/** Whether bytes are the beginning of a request whose first line does not end in them. */
function isRequestLine(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && /^[A-Z]+ [^\r\n]*$/.test(bytes.toString('latin1'));
}
