import { isIP } from 'node:net';

const mappedIPv4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * An address in the one form in which it is compared and counted: IPv6 in lower case and shortest form (RFC 5952),
 * an IPv4-mapped one as the IPv4 address that it is. A zone is left out. Undefined for what is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0) return undefined;
  const bare = text.split('%', 1)[0] as string;
  const shortest = URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1) ?? bare;
  const [, high, low] = mappedIPv4.exec(shortest) ?? [];
  if (high === undefined || low === undefined) return shortest;
  const bits = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}
