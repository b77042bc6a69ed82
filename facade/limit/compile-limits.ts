import type { HeadLimits } from '../check/headers.ts';
import { mapping, tolerant } from '../routes/entries.ts';
import type { Report } from '../routes/report.ts';
import { limits as limitsEntry } from '../routes/schema-resilience.ts';
import { sizeInBytes } from '../routes/size.ts';
import type { AddressRanges } from './address-ranges.ts';
import type { Addresses } from './addresses.ts';
import { compileAddresses, compileRanges } from './compile-addresses.ts';

/** What the file limits for all of its routes. */
export interface FileLimits {
  /** Undefined: everybody's requests are taken. */
  readonly addresses: Addresses | undefined;
  /** Whose X-Forwarded-* count. Undefined: nobody's. */
  readonly trustedProxies: AddressRanges | undefined;
  /** Bytes of a request's body; undefined: no bound. A route may say otherwise. */
  readonly mostBody: number | undefined;
  readonly headers: HeadLimits;
}

/** Compiles the keys of the file that limit requests, as far as they can be understood. */
export function compileLimits(file: Record<string, unknown>, report: Report): FileLimits {
  const limits = tolerant(limitsEntry, mapping(file.limits)).entry;
  const { body, headers } = limits ?? {};
  return {
    addresses: compileAddresses(file.addresses, ['addresses'], '', report),
    trustedProxies: compileRanges(file.trustedProxies, ['trustedProxies'], '"trustedProxies"', report),
    mostBody: body === undefined ? undefined : sizeInBytes(body),
    headers: Object.freeze({
      size: headers?.size === undefined ? undefined : sizeInBytes(headers.size),
      count: headers?.count ?? 200,
    }),
  };
}
