import type { ServerResponse } from 'node:http';
import { latin1 } from './response-headers.ts';

/**
 * Tells the client that its answer is incomplete, by cutting the connection. Where only the end of the connection
 * marks the end of the body, as for HTTP/1.0, nothing but a reset says so.
 */
export function cutAnswer(response: ServerResponse): void {
  const { httpVersion, socket } = response.req;
  if (httpVersion === '1.0') socket.resetAndDestroy();
  else response.destroy();
}

/** Trailers need a chunked answer; where the client's connection has none, they are dropped (RFC 9110, 6.5.1). */
export function addTrailers(response: ServerResponse, raw: readonly (Buffer | string)[]): void {
  if (!response.chunkedEncoding) return;
  const pairs: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    pairs.push([latin1(raw[index]), latin1(raw[index + 1])]);
  }
  response.addTrailers(pairs);
}
