import type { ServerResponse } from 'node:http';
import { hopByHop } from './hop-by-hop.ts';
import { latin1 } from './response-headers.ts';

/** A response that puts a 1xx answer into words itself, as one over HTTP/2 does. */
interface SaysInterim {
  /** @param headers names and values alternating. */
  writeInterim(status: number, headers: readonly string[]): void;
}

/**
 * Passes on a 1xx answer, such as 103 Early Hints, as it came: `writeEarlyHints` of node:http refuses links that
 * are written in one header. HTTP/1.0 knows no such answers, and behind an unfinished answer on the same
 * connection it is not this one's turn to speak; a hint may be dropped.
 */
export function sendInterim(
  response: ServerResponse,
  status: number,
  reason: string,
  raw: readonly (Buffer | string)[],
): void {
  if (response.socket === null || response.headersSent || response.req.httpVersion !== '1.1') return;
  const endsHere = hopByHop(undefined);
  const headers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = latin1(raw[index]);
    if (!endsHere(name.toLowerCase())) headers.push(name, latin1(raw[index + 1]));
  }
  if ('writeInterim' in response) {
    (response as unknown as SaysInterim).writeInterim(status, headers);
    return;
  }
  let head = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`;
  response.socket.write(`${head}\r\n`, 'latin1');
}
