import type { VerifyReport } from '@strangler-fig/sync-jobs/verify/verify';
import { counted, duration, grouped, line, printable, styled } from './text.ts';

/** A verification as the control API gives it: a key is shown as text there. */
export type ShownReport = Omit<VerifyReport, 'differences'> & {
  differences: Omit<VerifyReport['differences'][number], 'key'>[];
};

/** So many differences are printed; --json has all that sync-jobs lists. */
const printed = 20;

/** Whether both sides are known to have the same. */
export function clean({ different, unsettled }: ShownReport): boolean {
  return different === 0 && unsettled === 0;
}

/** `full, 1,204 rows in 0.3 s: 2 different` */
export function summary(report: ShownReport): string {
  const { mode, rows, seconds, different, unsettled, kept } = report;
  const parts = [
    different === 0 ? 'no row differs' : `${grouped(different)} different`,
    ...(unsettled === 0 ? [] : [`${grouped(unsettled)} unsettled`]),
    ...(kept === 0 ? [] : [`${grouped(kept)} left to the service, which wrote them`]),
  ];
  return `${mode}, ${counted(rows, 'row')} in ${duration(seconds)}: ${parts.join(', ')}`;
}

/** Where the mapping refused the row, its code stands in place of columns. */
function unjudged(columns: readonly string[]): string | undefined {
  return columns.join() === 'row_unmappable' ? 'cannot be carried over: the mapping refuses it' : undefined;
}

/** Prints one line a difference. */
export function printDifferences({ owner, differences, different, unsettled }: ShownReport): void {
  const follower = owner === 'legacy' ? 'service' : 'legacy side';
  const owned = owner === 'legacy' ? 'legacy side' : 'service';
  const said = {
    missing: `is missing at the ${follower}`,
    extra: `is not there at the ${owned}, only at the ${follower}`,
  };
  for (const { table, shownKey, kind, columns } of differences.slice(0, printed)) {
    const what =
      kind !== 'different' ? said[kind] : (unjudged(columns) ?? `differs in ${columns.join(', ')}`);
    line(`  ${table} ${printable(shownKey)} ${styled('yellow', what)}`);
  }
  const more = different - Math.min(printed, differences.length);
  if (more > 0) line(`  and ${grouped(more)} more; --json lists up to ${grouped(differences.length)}`);
  if (unsettled > 0) {
    line(
      `  ${counted(unsettled, 'row')} could not be judged: changes to them have not been carried over. See \`fig sync status\`.`,
    );
  }
}
