import type { Checked } from '../exchange/checked.ts';
import type { Place } from './store.ts';

/** Where the answer to a request is kept. Two backends never share one: a cutover begins with nothing of the old side. */
export function placeOf({ host, target, path, backend, received }: Checked, version: string): Place {
  const uri = uriOf(host, target.matchPath, target.query);
  return { uri, key: JSON.stringify([backend.name, backend.url, received.scheme, version, path]) };
}

/** What a client asks for, in a form that is the same for all ways to write it. */
function uriOf(host: string, path: string, query: string | undefined): string {
  return `${host.toLowerCase()}${path}${query === undefined ? '' : `?${query}`}`;
}

/**
 * Other targets of the same host that an answer to a write names (RFC 9111, 4.4): what it has made, and where that is.
 * @param headers names and values alternating.
 */
export function namedTargets({ host, target, received }: Checked, headers: readonly string[]): string[] {
  const named: string[] = [];
  const base = URL.parse(`${received.scheme}://${host}${target.path}`);
  if (base === null) return named;
  for (let index = 0; index < headers.length; index += 2) {
    if (!/^(?:content-)?location$/i.test(headers[index] as string)) continue;
    const url = URL.parse(headers[index + 1] as string, base.href);
    if (url?.host !== base.host) continue;
    named.push(uriOf(host, url.pathname, url.search === '' ? undefined : url.search.slice(1)));
  }
  return named;
}
