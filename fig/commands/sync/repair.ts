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
  /** Null where nothing was rewritten. */
  after: ShownReport | null;
}

/** `fig sync repair`: rewrites the rows that differ. */
export function registerRepair(sync: Command): void {
  sync
    .command('repair')
    .summary("rewrite the rows that differ, from the owner's side")
    .description(
      "Compares every row of a group and lists those that would be rewritten from the owner's side. Changes nothing without --apply; with it, it compares every row again afterwards.",
    )
    .argument('<group>')
    .option(...urlOption)
    .option('--apply', 'rewrite them')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 both sides are the same now, 1 failed, 2 usage, 3 rows differ still.

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
  if (after !== null) return showAfter(group, before, after);
  if (before.different === 0) return line('There is nothing to repair.');
  line(
    `Nothing was changed. Run \`fig sync repair ${group} --apply\` to rewrite ${counted(before.different, 'row')} from the ${from(before)}.`,
  );
}

function showAfter(group: string, before: ShownReport, after: ShownReport): void {
  const rewritten = before.differences.length;
  line(`${counted(rewritten, 'row')} rewritten from the ${from(before)}.`);
  line(`${group}  ${summary(after)}`);
  printDifferences(after);
  if (after.different === 0) return;
  const why =
    before.different > rewritten ? 'Not all were rewritten at once: run it again.' : 'They differ still.';
  line(why);
}

function from({ owner }: ShownReport): string {
  return owner === 'legacy' ? 'legacy side' : 'service';
}
