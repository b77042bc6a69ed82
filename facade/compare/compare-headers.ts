import { type Answer, headerOf } from './answer.ts';

/** Where the two sides and the client meet, as far as a Location may name it. */
export interface Whereabouts {
  /** The path that the client asked for; a relative Location begins there. */
  readonly path: string;
  /** Of both sides, such as http://127.0.0.1:4000. */
  readonly origins: readonly string[];
  /** What the client asked for, as it stands in a Host header; empty where it named none. */
  readonly host: string;
}

/**
 * Where an answer sends its client: path and query where that is at one of the two sides, because each side knows
 * itself by another name; everything where it is elsewhere. Undefined where it sends nobody anywhere.
 */
export function destination(answer: Answer, { path, origins, host }: Whereabouts): string | undefined {
  const location = headerOf(answer, 'location');
  if (location === '') return undefined;
  const url = URL.parse(location, `http://${here}${path}`);
  if (url === null) return location;
  // The scheme is left out: whoever ends TLS before the facade knows it, and the sides may not.
  const own = [`http://${here}`, `${url.protocol}//${host}`, ...origins];
  const isOwn = own.some((origin) => URL.parse(origin)?.host === url.host);
  return `${isOwn ? '' : url.origin}${url.pathname}${url.search}`;
}

/** A host that nobody has (RFC 6761, 6.4), for what names none. */
const here = 'here.invalid';

/** The attributes of one cookie by name, in lower case; true where one has no value. */
type CookieAttributes = Record<string, string | true>;

/**
 * The cookies that an answer sets, by name, without their values, which differ by nature. Of Expires counts whether
 * it has passed: the sides are asked one after the other.
 */
export function cookiesSet({ headers }: Answer): Record<string, CookieAttributes[]> {
  const cookies: Record<string, CookieAttributes[]> = Object.create(null);
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== 'set-cookie') continue;
    const [pair = '', ...attributes] = (headers[index + 1] ?? '').split(';');
    const name = pair.split('=', 1)[0]?.trim() ?? '';
    cookies[name] ??= [];
    cookies[name].push(Object.fromEntries(attributes.map(attributeIn)));
  }
  return cookies;
}

/** Names, and the values of Domain and SameSite, are the same in upper and lower case (RFC 6265, 5.2). */
function attributeIn(text: string): [string, string | true] {
  const [, name = '', value] = /^\s*([^=]*?)\s*(?:=\s*(.*?)\s*)?$/s.exec(text) ?? [];
  const lower = name.toLowerCase();
  if (value === undefined) return [lower, true];
  switch (lower) {
    case 'expires':
      return [lower, Date.parse(value) <= Date.now() ? 'past' : 'future'];
    case 'domain':
      return [lower, value.toLowerCase().replace(/^\./, '')];
    case 'samesite':
      return [lower, value.toLowerCase()];
    default:
      return [lower, value];
  }
}
