import type { OutgoingHttpHeader } from 'node:http';

/** Whatever node:http's `writeHead` takes: an object, or names and values alternating. */
export type Headers =
  | Readonly<Record<string, OutgoingHttpHeader | undefined>>
  | readonly OutgoingHttpHeader[];

/** Headers that mean an HTTP/1.1 connection, which HTTP/2 must not carry (RFC 9113, 8.2.2). */
const ofConnections = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** The lines of an answer's head, names in lower case, names and values alternating. */
export function answerLines(headers: Headers | undefined): string[] {
  const lines: string[] = [];
  const add = (name: string, value: OutgoingHttpHeader) => {
    const lower = name.toLowerCase();
    if (ofConnections.has(lower)) return;
    if (!Array.isArray(value)) lines.push(lower, String(value));
    else for (const one of value) lines.push(lower, one);
  };
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2) {
      add(headers[index] as string, headers[index + 1] as OutgoingHttpHeader);
    }
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) add(name, value);
  }
  return lines;
}

/** Whether the lines say how long the body is. */
export function hasLength(lines: readonly string[]): boolean {
  for (let index = 0; index < lines.length; index += 2) if (lines[index] === 'content-length') return true;
  return false;
}

/** Beyond 599 there is no status of HTTP/2's own library; to a client any of those is a 5xx (RFC 9110, 15). */
export function sendableStatus(status: number): number {
  return status > 599 ? 502 : status;
}

/** The same lines by name, for what node:http2 takes in no other way. */
export function byName(lines: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] as string;
    const value = lines[index + 1] as string;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
