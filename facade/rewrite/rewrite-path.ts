import type { RequestTarget } from '../check/target.ts';
import type { PathRewrite, Rewrite } from './rewrite.ts';

/** Path and query that a backend is asked for. */
export function askedPath(rewrite: Rewrite | undefined, { path, query }: RequestTarget): string {
  const asked = rewrite?.path === undefined ? path : rewritePath(rewrite.path, path);
  return query === undefined ? asked : `${asked}?${query}`;
}

/**
 * The path that a backend is asked for. It is put together from whole elements, none of which is a dot element: those
 * of the rewrite were checked when it was loaded, the received ones by check/target.ts.
 * @param path as received, without its query.
 */
export function rewritePath({ elements, replaces }: PathRewrite, path: string): string {
  if (!path.startsWith('/')) return path;
  const received = path.slice(1).split('/');
  const written = elements.map((element) =>
    element.kind === 'literal' ? element.text : (received[element.index] ?? ''),
  );
  if (replaces !== undefined) written.push(...received.slice(replaces));
  // `/api//evil.example` without /api would name another server to whoever resolves it.
  let first = 0;
  while (written[first] === '' && first < written.length - 1) first++;
  return `/${written.slice(first).join('/')}`;
}
