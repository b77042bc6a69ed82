import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** A line on standard output. */
export function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Styled where the stream is a terminal that wants it; NO_COLOR is honoured. */
export function styled(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream });
}

/** `1 row`, `1,204 rows`. */
export function counted(amount: number, what: string): string {
  return `${grouped(amount)} ${what}${amount === 1 ? '' : 's'}`;
}

/** A number as people read it. */
export function grouped(amount: number): string {
  return amount.toLocaleString('en-US');
}

/** A span of time, as short as it may be said: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  return `${grouped(Math.floor(minutes / 60))} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}

/** Text of a row or a database, which must not steer the terminal that shows it. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
