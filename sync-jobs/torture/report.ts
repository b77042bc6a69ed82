import type { Difference } from './compare.ts';
import type { RunResult } from './run.ts';

const shown = 20;

/** A run in one line. */
export function describeRun({
  pair,
  seconds,
  rows,
  comparisons,
  handovers,
  kills,
  counts,
  findings,
  interrupted,
}: RunResult): string {
  const good = interrupted ? 'interrupted' : `all ${rows} rows equal`;
  const outcome = findings.length === 0 ? good : 'FAILED';
  return (
    `${pair}: ${outcome} after ${seconds.toFixed(1)} s: ` +
    `${counts.inserts} inserts, ${counts.updates} updates, ${counts.deletes} deletes, ${counts.truncates} tables emptied ` +
    `in ${counts.transactions} transactions (${counts.rolledBack} rolled back, ${counts.rejected} rejected), ` +
    `${kills.anywhere + kills.inTransaction} kills (${kills.inTransaction} in or beside a transaction, ` +
    `${kills.overlapping} with the next process running), ${handovers} changes of owner, compared ${comparisons} times`
  );
}

/** What is needed to look into a run that failed. */
export function describeFailure(result: RunResult, serverFolder?: string): string {
  const { seed, pair, findings, differences, databases } = result;
  const kept = Object.entries(databases).map(([side, url]) => `  ${side}: ${url}`);
  const start = Object.values(databases).some((url) => url.startsWith('postgres'))
    ? [
        `  The PostgreSQL server was stopped; its data is in ${serverFolder ?? 'the folder of whoever started it'}`,
      ]
    : [];
  return [
    `seed ${seed}, pair ${pair}:`,
    ...findings.map((finding) => `  ${finding}`),
    ...differences.slice(0, shown).map(describeDifference),
    ...(differences.length > shown ? [`  and ${differences.length - shown} more`] : []),
    'The databases are kept:',
    ...kept,
    ...start,
    `Again: npm run torture:sync -- --seed ${seed} --pair ${pair}`,
  ].join('\n');
}

function describeDifference({ table, key, legacy, service, columns }: Difference): string {
  return [
    `  ${table}, row ${key}: ${columns.join(', ')}`,
    `    legacy:  ${JSON.stringify(legacy)}`,
    `    service: ${JSON.stringify(service)}`,
  ].join('\n');
}
