/** An entry of `origins` that cannot be used. */
export class OriginRefused extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Tells whether an Origin header, byte for byte, is one that is allowed. */
export type AllowsOrigin = (origin: string) => boolean;

/** Hosts below a domain, by one scheme and port. */
interface Wildcard {
  /** `https://` */
  readonly start: string;
  /** `.shop.example`, with the port where it is not the scheme's own. */
  readonly end: string;
}

/** What browsers can put in place of the `*`: labels and the dots between them. */
const labels = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const written = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([^/?#@\\*\s]+)$/i;

/**
 * Compiles entries such as https://shop.example:8443 and https://*.shop.example. Browsers send origins in lower case
 * and without a default port (RFC 6454, 6.2), so entries are brought to that form, and what is received is compared
 * as it came. "null", which sandboxed pages of anybody send, can never be an entry.
 * @throws OriginRefused
 */
export function compileOrigins(entries: readonly string[]): AllowsOrigin {
  const exact = new Set<string>();
  const below: Wildcard[] = [];
  for (const entry of entries) {
    const { start, wild, authority } = readOrigin(entry);
    if (wild) below.push({ start, end: `.${authority}` });
    else exact.add(`${start}${authority}`);
  }
  return (origin) => exact.has(origin) || below.some((wildcard) => isBelow(wildcard, origin));
}

function isBelow({ start, end }: Wildcard, origin: string): boolean {
  if (origin.length <= start.length + end.length || origin.length > 512) return false;
  if (!origin.startsWith(start) || !origin.endsWith(end)) return false;
  return labels.test(origin.slice(start.length, -end.length));
}

function readOrigin(entry: string): { start: string; wild: boolean; authority: string } {
  if (entry === '*') {
    throw new OriginRefused('"*" in a list is no origin', 'Write origins: "*", without a list.');
  }
  if (entry.toLowerCase() === 'null') {
    const hint = 'Give the page an origin of its own. Sandboxed pages of anybody send "null".';
    throw new OriginRefused('"null" is no origin that can be trusted', hint);
  }
  const [whole, scheme = '', wild, host = ''] = written.exec(entry) ?? [];
  if (whole === undefined) throw new OriginRefused(`"${entry}" is not an origin`, originHint(entry));
  const start = `${scheme.toLowerCase()}://`;
  const authority = authorityOf(start, host);
  if (authority === undefined) throw new OriginRefused(`"${entry}" is not an origin`, originHint(entry));
  if (
    wild !== undefined &&
    !authority.replace(/:\d+$/, '').includes('.') &&
    !/^localhost\b/.test(authority)
  ) {
    const hint = 'Name a domain of yours, such as https://*.shop.example.';
    throw new OriginRefused(`"${entry}" is everybody below a whole top-level domain`, hint);
  }
  return { start, wild: wild !== undefined, authority };
}

/** As browsers write it: in lower case, in punycode, without the scheme's own port. */
function authorityOf(start: string, host: string): string | undefined {
  const web = start === 'http://' || start === 'https://';
  const url = URL.parse(`${web ? start : 'http://'}${host}`);
  if (url === null || url.hostname === '' || url.hostname.startsWith('.') || url.hostname.endsWith('.'))
    return undefined;
  if (web) return url.host;
  return /^[a-z0-9._-]+(?::\d+)?$/i.test(host) ? host.toLowerCase() : undefined;
}

function originHint(entry: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]+\//i.test(entry)) return 'An origin has no path, and no slash at its end.';
  if (!entry.includes('://')) return `It begins with its scheme: https://${entry.replace(/^\/+/, '')}.`;
  if (entry.includes('*')) return 'A "*" stands for whole labels at the beginning: https://*.shop.example.';
  return 'Write scheme, host and, where it is not the usual one, port: https://shop.example:8443.';
}
