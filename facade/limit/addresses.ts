import type { AddressRanges } from './address-ranges.ts';

/** Whose requests are taken. */
export interface Addresses {
  /** Undefined: everybody's. */
  readonly allow: AddressRanges | undefined;
  /** Counts more than `allow`. */
  readonly deny: AddressRanges | undefined;
}

/** @param address in canonical form; empty where the connection is gone. */
export function isAdmitted({ allow, deny }: Addresses, address: string): boolean {
  if (deny?.includes(address)) return false;
  return allow === undefined || allow.includes(address);
}
