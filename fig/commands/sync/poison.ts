import type { PoisonStatus } from '@strangler-fig/sync-jobs/runner/status';
import type { Command } from 'commander';
import { command, urlOption } from './control-api.ts';
import { line, printable } from './text.ts';

interface PoisonOptions {
  readonly url: string;
  readonly json?: boolean;
}

/** `fig sync retry` and `fig sync skip`: what to do about a row that a feed stands before. */
export function registerPoison(sync: Command): void {
  sync
    .command('retry')
    .summary('try a row that a feed stands before again, at once')
    .description('Tries what failed again at once. It is tried again by itself too, only later.')
    .argument('<group>')
    .option(...urlOption)
    .option('--json', 'print one JSON object')
    .action(async (group: string, { url, json }: PoisonOptions) => {
      const answer = await command<{ retried: boolean }>(url, group, 'retry');
      if (json) return line(JSON.stringify(answer));
      line(`${answer.group}: tried again. \`fig sync status\` shows what came of it.`);
    });
  sync
    .command('skip')
    .summary('leave a row that a feed stands before out, for good')
    .description(
      'Leaves the change that a feed stands before out, for good, and writes down who decided so. The row then differs between the sides until it is written again or repaired.',
    )
    .argument('<group>')
    .option(...urlOption)
    .option('--json', 'print one JSON object')
    .action(async (group: string, { url, json }: PoisonOptions) => {
      const answer = await command<{ skipped: PoisonStatus[] }>(url, group, 'skip');
      if (json) return line(JSON.stringify(answer, undefined, 2));
      for (const { feed, table, key, code, reason } of answer.skipped) {
        line(`${feed}: left out row ${printable(key)} of ${table} (${code})`);
        line(`  ${printable(reason)}`);
      }
    });
}
