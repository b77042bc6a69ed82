import { mapping } from '../routes/entries.ts';
import type { Report } from '../routes/report.ts';
import type { Path } from '../routes/source.ts';
import { type AddressRange, AddressRanges, parseRange } from './address-ranges.ts';
import type { Addresses } from './addresses.ts';

/**
 * Compiles a list of addresses and ranges, and reports those that are none. Whatever else is wrong with the list has
 * been reported.
 * @param what is compiled, for messages: `"trustedProxies"`.
 */
export function compileRanges(
  value: unknown,
  at: Path,
  what: string,
  report: Report,
): AddressRanges | undefined {
  if (!Array.isArray(value)) return undefined;
  const ranges: AddressRange[] = [];
  value.forEach((text: unknown, index) => {
    if (typeof text !== 'string') return;
    const range = parseRange(text.trim());
    if ('what' in range) {
      const shown = JSON.stringify(text.slice(0, 64));
      report.problem(
        'bad_address',
        report.source.valueAt([...at, index]),
        `${shown} in ${what} ${range.what}.`,
        range.hint,
      );
    } else ranges.push(range);
  });
  return new AddressRanges(ranges);
}

/** Compiles `addresses` of the file or of a route. */
export function compileAddresses(
  value: unknown,
  at: Path,
  of: string,
  report: Report,
): Addresses | undefined {
  if (value === undefined) return undefined;
  const { allow, deny } = mapping(value);
  return Object.freeze({
    allow: compileRanges(allow, [...at, 'allow'], `"addresses.allow"${of}`, report),
    deny: compileRanges(deny, [...at, 'deny'], `"addresses.deny"${of}`, report),
  });
}
