import type { IncomingMessage } from 'node:http';
import type { Problem } from '@strangler-fig/kernel/problem';

/** More headers than this are refused, whatever their size. */
const mostHeaders = 200;

const hostForm = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]*)(?::[0-9]{0,5})?$/;

/** Whether a Host header or the authority of a target is a host name with an optional port. */
export function isHost(text: string): boolean {
  return hostForm.test(text);
}

/**
 * Refuses requests that two HTTP implementations could read differently, before any route is looked up.
 * node:http has refused by then what its parser calls malformed, Content-Length beside Transfer-Encoding included.
 */
export function checkHeaders(request: IncomingMessage): Problem | undefined {
  const raw = request.rawHeaders;
  if (raw.length / 2 > mostHeaders) {
    return {
      status: 431,
      code: 'too_many_headers',
      title: 'Too many headers',
      detail: `At most ${mostHeaders} header lines are accepted.`,
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

function badRequest(code: string, detail: string): Problem {
  return { status: 400, code, title: 'Bad request', detail };
}
