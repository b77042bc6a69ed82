import { shownValue, type Value } from '../stores/value.ts';
import type { Precision, TimeForm } from './fields.ts';

type Six = [year: number, month: number, day: number, hour: number, minute: number, second: number];

const form = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?$/;

/** How many digits after the second the service's column counts. */
export function countedDigits(precision: Precision): 3 | 6 {
  return precision === 'microseconds' ? 6 : 3;
}

/**
 * Milliseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.mmm]`, or microseconds where the precision says so.
 * @param zone where the clock stands that shows it; UTC unless given.
 * @throws RangeError where the text is no time of the calendar, none that the zone's clocks ever showed, or finer than is
 * counted and not to be cut.
 */
export function countOf(value: Value, { precision, finer }: TimeForm, zone?: string): bigint {
  const parts = typeof value === 'string' ? form.exec(value) : null;
  if (parts === null) {
    throw new RangeError(`${shownValue(value)} is not a time of the form YYYY-MM-DD HH:MM:SS[.mmm]`);
  }
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six;
  const fraction = parts[7] ?? '';
  const digits = countedDigits(precision);
  if (fraction.length > digits && finer === 'refused') throw tooFine(value, digits);
  const date = new Date(0);
  const asUtc = date.setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000;
  // 30 February would roll over into March; a date that does not come back as it went in is none.
  if (
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  ) {
    throw new RangeError(`${shownValue(value)} is not a date of the calendar`);
  }
  const milliseconds = zone === undefined ? asUtc : fromLocal(asUtc, zone, value);
  // Added to a whole second, also before 1970: what is cut off leads towards the past.
  const rest = BigInt(fraction.slice(0, digits).padEnd(digits, '0'));
  return BigInt(milliseconds / 1000) * 10n ** BigInt(digits) + rest;
}

function tooFine(value: Value, digits: 3 | 6): RangeError {
  const kept = digits === 3 ? "precision: 'microseconds' keeps them, and " : '';
  return new RangeError(
    `${shownValue(value)} has more than ${digits} digits after its second; ${kept}finer: 'cut' inside oneWay(…) drops them`,
  );
}

/** The clock's time may be one of two instants, or none: the earlier one that shows it counts. */
function fromLocal(asUtc: number, zone: string, value: Value): number {
  // Offsets a day apart on either side are those before and after a change of clocks.
  const candidates = [asUtc - 86_400_000, asUtc + 86_400_000]
    .map((at) => asUtc - offset(at, zone))
    .sort((left, right) => left - right);
  const found = candidates.find((at) => at + offset(at, zone) === asUtc);
  if (found === undefined) throw new RangeError(`${shownValue(value)} is a time that ${zone} never had`);
  return found;
}

/** How far a zone's clocks are ahead of UTC at a whole second, in milliseconds. */
function offset(at: number, zone: string): number {
  return Date.parse(`${clock(at, zone).replace(' ', 'T')}Z`) - at;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(at: number, zone: string): string {
  let format = clocks.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    clocks.set(zone, format);
  }
  // Years before 1000 are shown with fewer digits than a date is read with.
  return format.format(at).padStart(19, '0');
}

/**
 * `YYYY-MM-DD HH:MM:SS`, with all three or six digits behind it where they are kept and are not all zero.
 * @param count of milliseconds since 1970, or of microseconds where the precision says so.
 */
export function utcText(count: bigint, precision: Precision): string {
  const { second, fraction } = taken(count, precision);
  return textOf(second, count) + fraction;
}

/**
 * The same as a zone's clocks show it.
 * @throws RangeError in the second of two hours that show the same time: it would come back as the first.
 */
export function localText(count: bigint, zone: string, precision: Precision): string {
  const { second, fraction } = taken(count, precision);
  const shown = textOf(second + offset(second, zone), count);
  if (countOf(shown, { precision: 'seconds', finer: 'refused' }, zone) !== BigInt(second)) {
    throw new RangeError(`${shown}${fraction} comes twice in ${zone}, and this is the second time`);
  }
  return shown + fraction;
}

/** The whole second at or before, in milliseconds since 1970, and the text of what is behind it. */
function taken(count: bigint, precision: Precision): { second: number; fraction: string } {
  const digits = countedDigits(precision);
  const one = 10n ** BigInt(digits);
  const rest = ((count % one) + one) % one;
  const second = Number((count - rest) / one) * 1000;
  if (Math.abs(second) > 8.64e15) {
    throw new RangeError(`${count} is not a time in ${digits === 3 ? 'milli' : 'micro'}seconds`);
  }
  const kept = precision !== 'seconds' && rest !== 0n;
  return { second, fraction: kept ? `.${String(rest).padStart(digits, '0')}` : '' };
}

function textOf(second: number, count: bigint): string {
  const text = new Date(second).toISOString();
  if (!/^\d{4}-/.test(text)) throw new RangeError(`${count} is outside the years 0 to 9999`);
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}
