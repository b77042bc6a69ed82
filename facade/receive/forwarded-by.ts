import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { AddressRanges } from '../limit/address-ranges.ts';
import { canonicalAddress } from '../limit/canonical-address.ts';
import type { Received } from './received.ts';

/** Proxies that a request may have passed. A longer chain is somebody's invention. */
const mostHops = 32;

/**
 * What a trusted proxy says of a request that it passes on. X-Forwarded-For is read from the right, where the proxy
 * next to the facade has written: each trusted address vouches for the one to its left, and the first that is not
 * trusted is the client. What stands further left anybody may have written; it is dropped. So is what stands left of
 * something that is no address: then the client is the last one that somebody vouched for.
 * @param peer the proxy's own address, which is trusted.
 */
export function forwardedBy(
  { headers }: IncomingMessage,
  peer: string,
  scheme: Received['scheme'],
  trusted: AddressRanges,
): Omit<Received, 'target'> {
  const claimed = listOf(headers['x-forwarded-for']);
  const hops = [peer];
  let address = peer;
  for (let index = claimed.length - 1; index >= 0 && hops.length <= mostHops; index--) {
    const next = hopAddress(claimed[index] as string);
    if (next === undefined) break;
    address = next;
    hops.push(next);
    if (!trusted.includes(next)) break;
  }
  return {
    address,
    scheme: schemeFor(listOf(headers['x-forwarded-proto']), claimed.length, hops.length - 1) ?? scheme,
    forwardedFor: hops.reverse().join(', '),
  };
}

/** The values of a header that is a list; node:http joins its lines. */
function listOf(header: string | string[] | undefined): string[] {
  if (header === undefined || header === '') return [];
  return header.toString().split(',');
}

/** Some proxies add the port, and brackets to IPv6. A zone means nothing on another host. */
function hopAddress(text: string): string | undefined {
  const bare = text.trim();
  const address =
    /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(bare)?.[1] ?? /^([0-9.]+):[0-9]{1,5}$/.exec(bare)?.[1] ?? bare;
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  return canonicalAddress(address);
}

/**
 * By which scheme the client came. Where every proxy has added one, as it has added an address, it is the one beside
 * the client's; otherwise the last, which the proxy next to the facade has written.
 * @param hops how many addresses from the right the client's is.
 */
function schemeFor(
  schemes: readonly string[],
  addresses: number,
  hops: number,
): Received['scheme'] | undefined {
  const place = schemes.length === addresses && hops > 0 ? schemes.length - hops : schemes.length - 1;
  const scheme = schemes[place]?.trim().toLowerCase();
  return scheme === 'http' || scheme === 'https' ? scheme : undefined;
}
