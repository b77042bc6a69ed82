import { BlockList, isIP } from 'node:net';
import { canonicalAddress } from './canonical-address.ts';

/** An address, or all addresses that begin with the same bits. */
export interface AddressRange {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
}

/** Why a text is no range, and what a right one looks like. */
export interface RangeFault {
  readonly what: string;
  readonly hint: string;
}

const example = 'Write an address such as 192.0.2.7, or a range such as 10.0.0.0/8 or 2001:db8::/32.';

/** Reads `192.0.2.7`, `10.0.0.0/8`, `::1` or `2001:db8::/32` (RFC 4632, 3.1; RFC 4291, 2.3). */
export function parseRange(text: string): AddressRange | RangeFault {
  const [written = '', length, ...more] = text.split('/');
  const kind = isIP(written);
  if (kind === 0 || written.includes('%') || more.length > 0) {
    return { what: 'is not an address or a range of addresses', hint: example };
  }
  const bits = kind === 4 ? 32 : 128;
  if (length !== undefined && (!/^(?:0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits)) {
    return {
      what: `has no number from 0 to ${bits} behind its "/"`,
      hint: `Write ${written}/${kind === 4 ? 24 : 64}, or ${written} alone.`,
    };
  }
  const prefix = length === undefined ? bits : Number(length);
  const address = canonicalAddress(written) as string;
  if (kind === 6 && isIP(address) === 4) {
    const own = prefix >= 96 && length !== undefined ? `/${prefix - 96}` : '';
    return { what: 'is an IPv4 address in the form of IPv6', hint: `Write ${address}${own}.` };
  }
  const first = firstOf(address, prefix);
  if (first !== address) {
    return {
      what: `has bits set behind its first ${prefix}`,
      hint: `Write ${first}/${prefix} for the range, or ${address} for the one address.`,
    };
  }
  return { address, family: kind === 4 ? 'ipv4' : 'ipv6', prefix };
}

/** The first address of the range of some length that an address is in. */
export function firstOf(address: string, prefix: number): string {
  const size = isIP(address) === 4 ? 8 : 16;
  const groups = size === 8 ? address.split('.').map(Number) : groupsOf(address);
  const kept = groups.map((group, index) => {
    const bits = Math.min(size, Math.max(0, prefix - index * size));
    return group & ((0xffff << (size - bits)) & (2 ** size - 1));
  });
  if (size === 8) return kept.join('.');
  return canonicalAddress(kept.map((group) => group.toString(16)).join(':')) as string;
}

/** The eight groups of an IPv6 address in its shortest form. */
function groupsOf(address: string): number[] {
  const [left = '', right] = address.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

/** A set of addresses, looked up in canonical form. */
export class AddressRanges {
  // One list for both would have IPv4 addresses in ranges of IPv6 such as ::/0.
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();

  constructor(ranges: readonly AddressRange[]) {
    for (const { address, family, prefix } of ranges) {
      (family === 'ipv4' ? this.#ipv4 : this.#ipv6).addSubnet(address, prefix, family);
    }
  }

  /** @param address in canonical form; whatever is no address is in no range. */
  includes(address: string): boolean {
    const family = isIP(address);
    if (family === 4) return this.#ipv4.check(address, 'ipv4');
    return family === 6 && this.#ipv6.check(address, 'ipv6');
  }
}
