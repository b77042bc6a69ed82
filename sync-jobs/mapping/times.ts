import { shownValue, type Value } from '../stores/value.ts';
import type { Precision } from './fields.ts';

type Six = [year: number, month: number, day: number, hour: number, minute: number, second: number];

const form = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?$/;

/**
 * Milliseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.mmm]`.
 * @param zone where the clock stands that shows it; UTC unless given.
 * @throws RangeError where the text is no time of the calendar, or none that the zone's clocks ever showed.
 */
export function epochOf(value: Value, zone?: string): bigint {
  const parts = typeof value === 'string' ? form.exec(value) : null;
  if (parts === null) {
    throw new RangeError(`${shownValue(value)} is not a time of the form YYYY-MM-DD HH:MM:SS[.mmm]`);
  }
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six;
  const fraction = parts[7] ?? '';
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
  return BigInt(milliseconds) + BigInt(fraction.padEnd(3, '0'));
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

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
function offset(at: number, zone: string): number {
  const whole = Math.floor(at / 1000) * 1000;
  return Date.parse(`${clock(whole, zone).replace(' ', 'T')}Z`) - whole;
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

/** `YYYY-MM-DD HH:MM:SS`, with milliseconds where they are kept and there are any. */
export function utcText(milliseconds: number, precision: Precision): string {
  const text = new Date(milliseconds).toISOString();
  if (!/^\d{4}-/.test(text)) throw new RangeError(`${milliseconds} is outside the years 0 to 9999`);
  const fraction = precision === 'milliseconds' && !text.endsWith('.000Z') ? text.slice(19, 23) : '';
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction}`;
}

/**
 * The same as a zone's clocks show it.
 * @throws RangeError in the second of two hours that show the same time: it would come back as the first.
 */
export function localText(milliseconds: number, zone: string, precision: Precision): string {
  const shown = utcText(milliseconds + offset(milliseconds, zone), precision);
  const whole = Math.floor(milliseconds / 1000) * 1000;
  const back = Number(epochOf(shown.slice(0, 19), zone));
  if (back !== whole) throw new RangeError(`${shown} comes twice in ${zone}, and this is the second time`);
  return shown;
}
