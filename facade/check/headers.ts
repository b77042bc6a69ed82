import type { IncomingMessage } from 'node:http';
import type { Problem } from '@strangler-fig/kernel/problem';

/** What the head of a request may have. */
export interface HeadLimits {
  /** Bytes of the request line and headers; undefined: what the server takes, 32 KiB. */
  readonly size: number | undefined;
  /** Header lines. Default 200. */
  readonly count: number;
}

const hostForm = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]*)(?::[0-9]{0,5})?$/;

/** Whether a Host header or the authority of a target is a host name with an optional port. */
export function isHost(text: string): boolean {
  return hostForm.test(text);
}

/**
 * Refuses requests that two HTTP implementations could read differently, before any route is looked up.
 * node:http has refused by then what its parser calls malformed, Content-Length beside Transfer-Encoding included.
 */
export function checkHeaders(request: IncomingMessage, limits: HeadLimits): Problem | undefined {
  const raw = request.rawHeaders;
  if (raw.length / 2 > limits.count) {
    return {
      status: 431,
      code: 'too_many_headers',
      title: 'Too many headers',
      detail: `At most ${limits.count} header lines are accepted.`,
    };
  }
  if (limits.size !== undefined && sizeOfHead(request) > limits.size) {
    return {
      status: 431,
      code: 'headers_too_large',
      title: 'Headers too large',
      detail: `The request line and headers may have at most ${limits.size} bytes.`,
    };
  }
  const { headers, httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return {
      status: 505,
      code: 'http_version_not_supported',
      title: 'HTTP version not supported',
      detail: 'The facade speaks HTTP/1.1 and HTTP/1.0.',
    };
  }
  let hosts = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts > 1) return badRequest('duplicate_host', 'The request has more than one Host header.');
  if (hosts === 0 && httpVersion === '1.1') {
    return badRequest('missing_host', 'The request has no Host header.');
  }
  if (headers.host !== undefined && !isHost(headers.host)) {
    return badRequest('invalid_host', 'The Host header is not a host name with an optional port.');
  }
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && httpVersion !== '1.1') {
    return badRequest('transfer_coding_in_http_1_0', 'HTTP/1.0 knows no Transfer-Encoding.');
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return {
      status: 501,
      code: 'transfer_coding_unknown',
      title: 'Transfer coding not supported',
      detail: 'The only transfer coding that is accepted is chunked.',
    };
  }
  if (request.method === 'TRACE') {
    return {
      status: 405,
      code: 'method_not_supported',
      title: 'Method not supported',
      detail: 'TRACE would show the client what the facade says of it to backends.',
    };
  }
  return undefined;
}

/** As it came over the wire, or nearly: white space around values is not known any more. */
function sizeOfHead({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  let size = method.length + url.length + ' HTTP/1.1 \r\n\r\n'.length;
  for (const text of rawHeaders) size += text.length + 2;
  return size;
}

function badRequest(code: string, detail: string): Problem {
  return { status: 400, code, title: 'Bad request', detail };
}
