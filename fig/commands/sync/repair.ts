import type { Command } from 'commander';
import { command, patience, urlOption } from './control-api.ts';
import { clean, printDifferences, type ShownReport, summary } from './differences.ts';
import { withElapsed } from './elapsed.ts';
import { counted, line } from './text.ts';

interface RepairOptions {
  readonly url: string;
  readonly apply?: boolean;
  readonly json?: boolean;
}

interface Repaired {
  before: ShownReport;
  /** Null where nothing was changed. */
  after: ShownReport | null;
  /** Rows that were, or would be, written from the owner's side, and removed from the other one. */
  written: number;
  removed: number;
}

/** `fig sync repair`: makes the rows that differ as they are at the owner's side. */
export function registerRepair(sync: Command): void {
  sync
    .command('repair')
    .summary("make the rows that differ as they are at the owner's side")
    .description(
      "Compares every row of a group and lists those that would be written from the owner's side, and those that would be removed, or marked as removed, because the owner's side has no such row. Changes nothing without --apply; with it, it compares every row again afterwards.",
    )
    .argument('<group>')
    .option(...urlOption)
    .option('--apply', 'write and remove them')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 both sides are the same now, 1 failed, 2 usage, 3 rows differ still, or the first copy is not complete.

Examples:
  fig sync repair booking
  fig sync repair booking --apply`,
    )
    .action(repair);
}

async function repair(group: string, { url, apply = false, json }: RepairOptions): Promise<void> {
  const asked = command<Repaired>(url, group, 'repair', { apply }, patience.long);
  const answer = await withElapsed(`${apply ? 'repairing' : 'comparing'} ${group}`, asked);
  const { before, after } = answer;
  if (!clean(after ?? before)) process.exitCode = 3;
  if (json) return line(JSON.stringify({ applied: apply, ...answer }, undefined, 2));
  line(`${group}  ${summary(before)}`);
  printDifferences(before);
  if (after !== null) return showAfter(group, answer, after);
  if (before.different === 0) return line('There is nothing to repair.');
  const { owner, follower } = sides(before);
  const does = list([
    [answer.written, `writes ${counted(answer.written, 'row')} from the ${owner}`],
    [
      answer.removed,
      `${removing(before, 'removes')} ${counted(answer.removed, 'row')} that only the ${follower} has`,
    ],
  ]);
  line(`Nothing was changed. \`fig sync repair ${group} --apply\` ${does}.`);
  const rest = before.different - before.differences.length;
  if (rest > 0) line(`The other ${counted(rest, 'row')} would be left for the next time.`);
}

function showAfter(group: string, { before, written, removed }: Repaired, after: ShownReport): void {
  const { owner, follower } = sides(before);
  const done = list([
    [written, `${counted(written, 'row')} written from the ${owner}`],
    [removed, `${counted(removed, 'row')} ${removing(before, 'removed')} that only the ${follower} had`],
  ]);
  line(`${done}.`);
  line(`${group}  ${summary(after)}`);
  printDifferences(after);
  if (after.different === 0) return;
  const all = before.different === written + removed;
  line(all ? 'They differ still.' : 'Not all were mended at once: run it again.');
}

/** Says what there is an amount of. */
function list(parts: [amount: number, text: string][]): string {
  return parts.flatMap(([amount, text]) => (amount > 0 ? [text] : [])).join(' and ');
}

/** A legacy table may mark rows as removed instead. */
function removing({ owner }: ShownReport, verb: 'removes' | 'removed'): string {
  if (owner === 'legacy') return verb;
  return verb === 'removes' ? 'removes (or marks as removed)' : 'removed (or marked as removed)';
}

function sides({ owner }: ShownReport): { owner: string; follower: string } {
  const [legacy, service] = ['legacy side', 'service'];
  return owner === 'legacy' ? { owner: legacy, follower: service } : { owner: service, follower: legacy };
}
