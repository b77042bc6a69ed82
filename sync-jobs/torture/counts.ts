/** Rows that were changed, as the database counts them. */
export interface Counts {
  inserts: number;
  updates: number;
  deletes: number;
  transactions: number;
  rejected: number;
  rolledBack: number;
  truncates: number;
}

export const noCounts = (): Counts => ({
  inserts: 0,
  updates: 0,
  deletes: 0,
  transactions: 0,
  rejected: 0,
  rolledBack: 0,
  truncates: 0,
});

export function addCounts(to: Counts, more: Counts): void {
  for (const name of Object.keys(to) as (keyof Counts)[]) to[name] += more[name];
}
