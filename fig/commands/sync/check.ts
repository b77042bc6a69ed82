import { Failure } from '@strangler-fig/kernel/failure';
import type { Command } from 'commander';
import { withElapsed } from './elapsed.ts';
import { line } from './text.ts';

interface CheckCommandOptions {
  readonly rows?: string;
  readonly json?: boolean;
}

/** `fig sync check`: what a group's declaration does to the rows that are there. */
export function registerCheck(sync: Command): void {
  sync
    .command('check')
    .summary("hold a group's mapping against the rows that are there")
    .description(
      'Says of every field of a mapping what the types prove, what the rows of both sides show, and what they refute, each with the first row that shows it. Reads only.',
    )
    .argument('[group...]', 'only these groups')
    .option('--rows <count>', 'read only so many rows of each table, the first by key')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 nothing refuses the mappings, 1 failed, 2 usage, 3 something is refuted.`,
    )
    .action(check);
}

async function check(names: string[], { rows, json }: CheckCommandOptions): Promise<void> {
  if (rows !== undefined && !/^[1-9][0-9]{0,11}$/.test(rows)) {
    throw new Failure('rows_invalid', `--rows is "${rows}".`, { hint: 'Give a whole number.', exitCode: 2 });
  }
  // Loaded here: the other commands need no database driver.
  const { checking } = await import('./checking.ts');
  const { printCheck } = await import('@strangler-fig/sync-jobs/check/print');
  const limit = rows === undefined ? {} : { rows: Number(rows) };
  const reports = await withElapsed('reading every row', checking(names, limit));
  if (json) line(JSON.stringify({ groups: reports }, undefined, 2));
  else process.stdout.write(reports.map((report) => printCheck(report)).join('\n'));
  if (reports.some(({ sound }) => !sound)) process.exitCode = 3;
}
