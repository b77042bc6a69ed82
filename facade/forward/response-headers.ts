import { hopByHop } from './hop-by-hop.ts';

/** Names the backend that answered; sent when routes.yaml says `servedBy: true`. */
export const servedByHeader = 'x-served-by';

/**
 * The headers of the answer to a client, as a flat list of names and values: the backend's, in their order and
 * spelling, without those that end here.
 * @param raw names and values alternating, as undici read them.
 * @param extra the facade's own, which replace the backend's of the same (lower-case) name; Set-Cookie is added.
 */
export function responseHeaders(
  raw: readonly (Buffer | string)[],
  extra: readonly (readonly [string, string])[],
): string[] {
  const names: string[] = [];
  let connection: string | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index] as Buffer | string);
    names.push(name);
    if (name.length === 10 && name.toLowerCase() === 'connection') {
      const value = text(raw[index + 1] as Buffer | string);
      connection = connection === undefined ? value : `${connection},${value}`;
    }
  }
  const endsHere = hopByHop(connection);
  const headers: string[] = [];
  for (const [index, name] of names.entries()) {
    const lower = name.toLowerCase();
    if (endsHere(lower)) continue;
    if (lower !== 'set-cookie' && extra.some(([own]) => own === lower)) continue;
    headers.push(name, text(raw[2 * index + 1] as Buffer | string));
  }
  for (const [name, value] of extra) headers.push(name, value);
  return headers;
}

/** Header bytes are ISO-8859-1 (RFC 9110, 5.5): every byte survives, whatever it was meant to be. */
function text(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1');
}
