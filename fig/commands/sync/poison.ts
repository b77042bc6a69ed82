import { Failure } from '@strangler-fig/kernel/failure';
import { rowName, skipCommand } from '@strangler-fig/sync-jobs/poison/skip-command';
import type { PoisonStatus } from '@strangler-fig/sync-jobs/runner/status';
import type { Command } from 'commander';
import { command, knownGroups, ownToken, urlOption } from './control-api.ts';
import { line, printable } from './text.ts';

interface PoisonOptions {
  readonly url: string;
  readonly json?: boolean;
}

interface SkipOptions extends PoisonOptions {
  readonly row?: string;
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
    .addHelpText(
      'after',
      `
Exit codes: 0 it is tried again (see status for what came of it), 1 failed, 2 usage.`,
    )
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
    .option(
      '--row <row>',
      "the row that is meant, 'TABLE KEY' as status shows it; without it, says which it would be",
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 left out, 1 failed or there is no such row, 2 usage, 3 refused: the group stands before another row.

Example:
  fig sync skip booking --row 'bookings 7'`,
    )
    .action(skip);
}

async function skip(group: string, { url, row, json }: SkipOptions): Promise<void> {
  ownToken();
  const [status] = await knownGroups(url, [group]);
  const poison = status!.poison;
  if (row === undefined && poison.length > 0) throw rowMissing(group, poison);
  // As it is printed, or as it is: what is printed does not steer a terminal.
  const meant = poison.map(rowName).find((name) => row === name || row === printable(name));
  const answer = await command<{ skipped: PoisonStatus[] }>(url, group, 'skip', {
    row: meant ?? row ?? 'any',
  });
  if (json) return line(JSON.stringify(answer, undefined, 2));
  for (const { feed, table, key, code, reason } of answer.skipped) {
    line(`${feed}: left out row ${printable(key)} of ${table} (${code})`);
    line(`  ${printable(reason)}`);
  }
}

function rowMissing(group: string, poison: readonly PoisonStatus[]): Failure {
  const rows = poison.map(
    (one) =>
      `${one.feed} stands before row ${printable(rowName(one))} (${one.code}): ${printable(one.reason)}`,
  );
  const commands = poison.map((one) => `\`${skipCommand(group, printable(rowName(one)))}\``);
  return new Failure('row_missing', `Say which row is to be left out. ${rows.join('\n')}\n`, {
    hint: `To leave it out for good: ${commands.join(' or ')}.`,
    exitCode: 2,
  });
}
