import type { IncomingHttpHeaders as HeadersOfHttp2 } from 'node:http2';

/** The head of an HTTP/2 request as an HTTP/1.1 request would say it, which is what backends are sent. */
export interface RequestHead {
  readonly method: string;
  /** The target in origin form, or `*`. */
  readonly target: string;
  /** Names and values alternating, Host first. */
  readonly lines: string[];
}

/**
 * Pseudo-headers become what they stand for (RFC 9113, 8.3.1), crumbs of a cookie one line (8.2.3). A Host that says
 * something else than `:authority` stays beside it, and is refused with it as a duplicate.
 * @param raw names and values alternating, as node:http2 decoded them.
 */
export function requestHead(raw: readonly string[]): RequestHead {
  let method = '';
  let target = '';
  let authority: string | undefined;
  let crumbs = -1;
  const lines: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    if (name.startsWith(':')) {
      if (name === ':method') method = value;
      else if (name === ':path') target = value;
      else if (name === ':authority') {
        authority = value;
        lines.unshift('host', value);
        if (crumbs !== -1) crumbs += 2;
      }
    } else if (name === 'cookie' && crumbs !== -1) lines[crumbs] += `; ${value}`;
    else if (name !== 'host' || authority?.toLowerCase() !== value.toLowerCase()) {
      lines.push(name, value);
      if (name === 'cookie') crumbs = lines.length - 1;
    }
  }
  return { method, target, lines };
}

/**
 * The headers by name, without the pseudo-headers. A body that comes without a length is one that HTTP/1.1 would call
 * chunked; HTTP/2 itself has no transfer codings, so nothing a client sends can be mistaken for it.
 */
export function headersByName(headers: HeadersOfHttp2, hasBody: boolean): HeadersOfHttp2 {
  const host = headers[':authority'] ?? headers.host;
  if (host !== undefined) headers.host = host;
  for (const pseudo of [':method', ':scheme', ':authority', ':path']) delete headers[pseudo];
  if (hasBody && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
  return headers;
}
