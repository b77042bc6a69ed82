import { Failure } from '@strangler-fig/kernel/failure';
import type { Command } from 'commander';
import { command, knownGroups, ownToken, patience, urlOption } from './control-api.ts';
import { clean, printDifferences, type ShownReport, summary } from './differences.ts';
import { withElapsed } from './elapsed.ts';
import { line, styled } from './text.ts';

interface VerifyOptions {
  readonly url: string;
  readonly full?: boolean;
  readonly changed?: boolean;
  readonly json?: boolean;
}

/** What came of one group. */
type Outcome =
  | { group: string; report: ShownReport }
  | { group: string; error: { code: string; message: string; hint?: string | undefined }; exitCode: number };

/** `fig sync verify`: compares the rows of both sides. */
export function registerVerify(sync: Command): void {
  sync
    .command('verify')
    .summary('compare the rows of both sides')
    .description(
      'Compares the rows of both sides while writes go on, one group after the other, and waits for it. A row counts as different only if it still is after its changes have been carried over.',
    )
    .argument('[group...]', 'only these groups')
    .option(...urlOption)
    .option('--full', 'every row (the default)')
    .option('--changed', 'only rows that changed since the last full verification')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 both sides are the same, 1 a group could not be compared, 2 usage, 3 rows differ or could not be judged, or the first copy is not complete.

Examples:
  fig sync verify
  fig sync verify booking profile --changed`,
    )
    .action(verify);
}

async function verify(names: string[], { url, full, changed, json }: VerifyOptions): Promise<void> {
  if (full && changed) {
    throw new Failure('options_conflict', '--full and --changed exclude each other.', {
      hint: 'Give one of them.',
      exitCode: 2,
    });
  }
  ownToken();
  const groups = (await knownGroups(url, names)).map(({ name }) => name);
  const outcomes: Outcome[] = [];
  for (const group of groups) {
    const outcome = await compared(url, group, changed ? 'incremental' : 'full');
    outcomes.push(outcome);
    if (!json) show(outcome);
  }
  if (json) line(JSON.stringify({ groups: outcomes.map(shown) }, undefined, 2));
  process.exitCode = codeOf(outcomes);
}

/** One group that cannot be compared keeps no other from it. A token or an address that does not count keeps all. */
async function compared(url: string, group: string, mode: 'full' | 'incremental'): Promise<Outcome> {
  try {
    const asked = command<ShownReport>(url, group, 'verify', { mode }, patience.long);
    const { group: _, ...report } = await withElapsed(`comparing ${group}`, asked);
    return { group, report };
  } catch (error) {
    if (!(error instanceof Failure) || general.includes(error.code)) throw error;
    const { code, message, hint, exitCode } = error;
    return { group, error: { code, message, hint }, exitCode };
  }
}

const general = [
  'url_invalid',
  'token_missing',
  'token_invalid',
  'token_required',
  'token_not_configured',
  'sync_unreachable',
  'sync_lost',
  'not_sync_jobs',
];

/** The exit code is the process's. */
function shown(outcome: Outcome): object {
  return 'error' in outcome ? { group: outcome.group, error: outcome.error } : outcome;
}

function show(outcome: Outcome): void {
  if ('error' in outcome) {
    const { message, hint } = outcome.error;
    const text = `${outcome.group}: ${message}${hint === undefined ? '' : ` ${hint}`}`;
    process.stderr.write(`${styled('red', text, process.stderr)}\n`);
    return;
  }
  const { group, report } = outcome;
  line(`${styled(clean(report) ? 'green' : 'yellow', group)}  ${summary(report)}`);
  printDifferences(report);
  if (report.different > 0) line(`  \`fig sync repair ${group}\` shows what would be written and removed.`);
}

function codeOf(outcomes: readonly Outcome[]): number {
  if (outcomes.some((outcome) => 'error' in outcome && outcome.exitCode === 1)) return 1;
  return outcomes.every((outcome) => 'report' in outcome && clean(outcome.report)) ? 0 : 3;
}
