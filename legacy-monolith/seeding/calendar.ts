import { databaseTime } from '../formats.ts';

/** Times around the day that the seeded data calls today. */
export interface Calendar {
  /** `days` (negative: before) and `minutes` from midnight UTC of the base date, as the database has it. */
  at(days: number, minutes?: number): string;
}

const DAY_MINUTES = 1_440;

export function createCalendar(baseDate: string): Calendar {
  const base = Date.parse(`${baseDate}T00:00:00Z`);
  return {
    at: (days, minutes = 0) => databaseTime(new Date(base + (days * DAY_MINUTES + minutes) * 60_000)),
  };
}
