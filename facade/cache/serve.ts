import type { ServerResponse } from 'node:http';
import { Deadline } from '../forward/deadlines.ts';
import type { Forwarding } from '../forward/forwarder.ts';
import { without } from './header-list.ts';
import type { StoredAnswer } from './store.ts';

/** Bytes of a body that are written at once. */
const piece = 64 * 1024;

/** Of a 304: what is about the body, which the client has. */
const ofBody = (name: string) => name.startsWith('content-') && name !== 'content-location';

/**
 * Answers a client with what is kept: with 304 where it has that already, without the body where it asked for none.
 * @param own headers that the facade adds for this client; they take the place of kept ones.
 * @returns the status.
 */
export async function serve(
  { head, body }: StoredAnswer,
  { method, request, response, backend }: Forwarding,
  own: readonly (readonly [string, string])[],
): Promise<number> {
  const status = isKnown(head.headers, request.headers) ? 304 : head.status;
  if (response.destroyed) return status;
  const replaced = new Set(own.map(([name]) => name));
  const headers = without(
    head.headers,
    (name) =>
      name === 'age' || name === 'content-length' || replaced.has(name) || (status === 304 && ofBody(name)),
  );
  headers.push('age', String(Math.max(0, head.age)));
  if (status !== 304 && status !== 204) headers.push('content-length', String(body.length));
  for (const [name, value] of own) headers.push(name, value);
  writeHead(response, status, headers);
  if (method === 'HEAD' || status === 304 || body.length === 0) response.end();
  else await writeBody(response, body, backend.timeouts.idle);
  return status;
}

/** By the calls that applications hook into; cookies are added to those that one of them has set before. */
function writeHead(response: ServerResponse, status: number, headers: readonly string[]): void {
  const begun = new Set(['set-cookie']);
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    const lower = name.toLowerCase();
    if (!begun.has(lower)) response.removeHeader(name);
    begun.add(lower);
    response.appendHeader(name, headers[index + 1] as string);
  }
  response.writeHead(status);
}

/** A client that takes nothing for `idle` milliseconds is let go. */
async function writeBody(response: ServerResponse, body: Buffer, idle: number): Promise<void> {
  if (body.length <= piece) {
    response.end(body);
    return;
  }
  let settle = () => {};
  const deadline = new Deadline(() => response.destroy());
  const changed = () => settle();
  response.on('drain', changed);
  response.on('close', changed);
  for (let from = 0; from < body.length && !response.destroyed; from += piece) {
    if (response.write(body.subarray(from, from + piece))) continue;
    deadline.set(idle);
    if (response.destroyed) break;
    await new Promise<void>((resolve) => {
      settle = resolve;
    });
    deadline.clear();
  }
  response.off('drain', changed);
  response.off('close', changed);
  if (!response.destroyed) response.end();
}

/** Whether a client has what is kept (RFC 9110, 13.2.2). */
function isKnown(
  headers: readonly string[],
  asked: { readonly 'if-none-match'?: string | undefined; readonly 'if-modified-since'?: string | undefined },
): boolean {
  const { 'if-none-match': tags, 'if-modified-since': since } = asked;
  if (tags !== undefined) {
    const tag = valueIn(headers, 'etag');
    if (tags.trim() === '*') return true;
    return tag !== undefined && tagsIn(tags).includes(withoutWeakness(tag));
  }
  const modified = Date.parse(valueIn(headers, 'last-modified') ?? '');
  return since !== undefined && modified <= Date.parse(since);
}

function tagsIn(tags: string): string[] {
  return (tags.match(/"[^"]*"/g) ?? []).slice(0, 256);
}

function withoutWeakness(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}

function valueIn(headers: readonly string[], wanted: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === wanted) return headers[index + 1];
  }
  return undefined;
}
