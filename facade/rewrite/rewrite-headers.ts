import type { AnswerRewrite, HeaderChanges } from './rewrite.ts';

/** @param headers names and values alternating; it stays as it is. */
export function changeHeaders({ drop, append }: HeaderChanges, headers: readonly string[]): string[] {
  const changed: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!drop.has(name.toLowerCase())) changed.push(name, headers[index + 1] as string);
  }
  changed.push(...append);
  return changed;
}

/** Where an answer comes from and goes to. */
export interface Origins {
  /** The backend's own, such as http://127.0.0.1:4000: one for each of its instances. */
  readonly own: readonly string[];
  /** Scheme and authority that the client asked for; the authority is empty where it named none. */
  readonly scheme: 'http' | 'https';
  readonly host: string;
}

/**
 * The headers of a backend's answer as its client is to see them.
 * @param headers names and values alternating; it stays as it is.
 */
export function rewriteAnswer(
  rewrite: AnswerRewrite,
  headers: readonly string[],
  origins: Origins,
): string[] {
  const { location, cookieDomain } = rewrite;
  const changed = [...headers];
  for (let index = 0; index < changed.length; index += 2) {
    const name = (changed[index] as string).toLowerCase();
    const value = changed[index + 1] as string;
    if (location && name === 'location') changed[index + 1] = publicLocation(value, origins);
    if (cookieDomain !== undefined && name === 'set-cookie') {
      changed[index + 1] = withCookieDomain(value, cookieDomain);
    }
  }
  return rewrite.headers === undefined ? changed : changeHeaders(rewrite.headers, changed);
}

/** Scheme (it may be left out), authority, and the rest: path, query and fragment. */
const absolute = /^(?:(https?):)?\/\/([^/?#]*)(.*)$/is;

/** A host and a port, without a user's name, a backslash, or escapes that somebody else might read otherwise. */
const plainAuthority = /^[A-Za-z0-9.:[\]_-]+$/;

/** A Location that points at the backend's own origin, pointing at the client's; any other as it is. */
export function publicLocation(location: string, { own, scheme, host }: Origins): string {
  const [whole, itsScheme, authority = '', rest = ''] = absolute.exec(location) ?? [];
  if (whole === undefined || host === '') return location;
  if (!plainAuthority.test(authority)) return location;
  const isOwn = own.some((origin) => {
    const [ownScheme] = origin.split(':', 1);
    return URL.parse(`${itsScheme ?? ownScheme}://${authority}`)?.origin === origin;
  });
  if (!isOwn) return location;
  return `${itsScheme === undefined ? '' : `${scheme}:`}//${host}${rest}`;
}

/**
 * A Set-Cookie value whose Domain attribute is replaced or taken away where `domains` says so. Everything else stays
 * byte for byte, a cookie's value that looks like an attribute included.
 */
export function withCookieDomain(cookie: string, domains: ReadonlyMap<string, string | null>): string {
  const [pair = '', ...attributes] = cookie.split(';');
  const kept: string[] = [pair];
  for (const attribute of attributes) {
    const [whole, before = '', value = '', after = ''] =
      /^(\s*domain\s*=\s*)(.*?)(\s*)$/is.exec(attribute) ?? [];
    const to = whole === undefined ? undefined : domains.get(value.replace(/^\./, '').toLowerCase());
    if (to === undefined) kept.push(attribute);
    else if (to !== null) kept.push(`${before}${to}${after}`);
  }
  return kept.join(';');
}
