import { hopByHop } from './hop-by-hop.ts';

/** Names the backend that answered; sent when routes.yaml says `servedBy: true`. */
export const servedByHeader = 'x-served-by';

/** What the answer's head is made from, besides the backend's own. */
export interface AnswerSettings {
  /** The facade's own headers, which replace the backend's of the same (lower-case) name; Set-Cookie is added. */
  readonly own: readonly (readonly [string, string])[];
  /** Whether trailers can follow a body without a length, and so `Trailer` may announce them. */
  readonly trailers: boolean;
  readonly status: number;
  /** Changes the backend's headers, before the facade's own are added. */
  readonly rewrite?: ((headers: string[]) => string[]) | undefined;
}

/**
 * The headers of the answer to a client, as a flat list of names and values: the backend's, in their order and
 * spelling, without those that end here.
 * @param raw names and values alternating, as undici read them.
 */
export function responseHeaders(raw: readonly (Buffer | string)[], settings: AnswerSettings): string[] {
  const endsHere = hopByHop(headerValue('connection', raw));
  const trailers = settings.trailers && headerValue('content-length', raw) === undefined;
  let headers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = latin1(raw[index]);
    const lower = name.toLowerCase();
    if (lower === 'trailer' ? !trailers : endsHere(lower)) continue;
    // A 204 has no body and so no length (RFC 9110, 8.6).
    if (lower === 'content-length' && settings.status === 204) continue;
    if (lower !== 'set-cookie' && replaced(lower, settings.own)) continue;
    headers.push(name, latin1(raw[index + 1]));
  }
  if (settings.rewrite !== undefined) headers = settings.rewrite(headers);
  for (const [name, value] of settings.own) headers.push(name, value);
  return headers;
}

/** Header bytes are ISO-8859-1 (RFC 9110, 5.5): every byte survives, whatever it was meant to be. */
export function latin1(value: Buffer | string | undefined): string {
  return typeof value === 'object' ? value.toString('latin1') : (value ?? '');
}

/** The values of one header, joined by commas; undefined where it is absent. */
function headerValue(header: string, raw: readonly (Buffer | string)[]): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]?.length !== header.length || latin1(raw[index]).toLowerCase() !== header) continue;
    const value = latin1(raw[index + 1]);
    joined = joined === undefined ? value : `${joined},${value}`;
  }
  return joined;
}

function replaced(name: string, own: AnswerSettings['own']): boolean {
  for (const [ownName] of own) if (ownName === name) return true;
  return false;
}
