import type { Command } from 'commander';
import { command, patience, urlOption } from './control-api.ts';
import { withElapsed } from './elapsed.ts';
import { counted, line } from './text.ts';

interface BackfillOptions {
  readonly url: string;
  readonly json?: boolean;
}

/** `fig sync backfill`: copies a group anew. */
export function registerBackfill(sync: Command): void {
  sync
    .command('backfill')
    .summary("copy a group's rows anew")
    .description(
      "Copies all of a group's rows anew, while changes go on being carried over, and waits for it.",
    )
    .argument('<group>')
    .option(...urlOption)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 all is copied, 1 failed, 2 usage.

Example:
  fig sync backfill booking`,
    )
    .action(async (group: string, { url, json }: BackfillOptions) => {
      const asked = command<{ rows: number }>(url, group, 'backfill', {}, patience.long);
      const answer = await withElapsed(`copying ${group}`, asked);
      line(json ? JSON.stringify(answer) : `${answer.group}: ${counted(answer.rows, 'row')} copied anew`);
    });
}
