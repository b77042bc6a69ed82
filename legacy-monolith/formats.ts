/** A time as the database has it: UTC, 'YYYY-MM-DD HH:MM:SS'. */
export function databaseTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

export function now(): string {
  return databaseTime(new Date());
}

/** '2026-11-20 10:00:00' to '2026-11-20T10:00:00.000Z'. */
export function isoTime(time: string): string {
  return `${time.replace(' ', 'T')}.000Z`;
}

export function isoTimeOrNull(time: string | null): string | null {
  return time === null ? null : isoTime(time);
}

/** '2019-12-24 10:00:00' to '24/12/2019'. */
export function slashDate(time: string): string {
  const [year, month, day] = time.slice(0, 10).split('-');
  return `${day}/${month}/${year}`;
}

/** '2026-12-24 20:00:00' to 'Thu 24 Dec 2026, 20:00', for pages. */
export function longDate(time: string): string {
  const [, weekday, day, month, year] =
    /^(\w+), (\d+) (\w+) (\d+)/.exec(new Date(isoTime(time)).toUTCString()) ?? [];
  return `${weekday} ${day} ${month} ${year}, ${time.slice(11, 16)}`;
}

/** Cents to a decimal string: 4950 to '49.50'. */
export function decimalMoney(cents: number): string {
  return (cents / 100).toFixed(2);
}
