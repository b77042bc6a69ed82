import type { GroupStatus } from '@strangler-fig/sync-jobs/runner/status';
import type { Command } from 'commander';
import { readGroups, urlOption } from './control-api.ts';
import { statusText } from './status-text.ts';
import { line } from './text.ts';
import { watch } from './watch.ts';

interface StatusOptions {
  readonly url: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** `fig sync status`: what every group does. */
export function registerStatus(sync: Command): void {
  sync
    .command('status')
    .summary('show what every group does, how far behind it is and what is wrong')
    .description(
      'Shows of every group who owns it, how far its copy and its feeds are, what holds them up, and what the last verification found.',
    )
    .option(...urlOption)
    .option('--watch', 'draw it anew each second; where no terminal is, print one line for each change')
    .option('--json', 'print one JSON object; with --watch one line for each change')
    .addHelpText(
      'after',
      `
Exit codes: 0 all is well, 1 sync-jobs cannot be reached, 3 a group is poisoned or refused, has drift, or its rows differ.`,
    )
    .action(status);
}

async function status({ url, json = false, ...options }: StatusOptions): Promise<void> {
  const groups = await readGroups(url);
  if (options.watch) {
    const last = await watch(groups, () => readGroups(url), json);
    process.exitCode = last === undefined ? 1 : codeOf(last);
    return;
  }
  process.exitCode = codeOf(groups);
  if (json) line(JSON.stringify({ groups }, undefined, 2));
  else process.stdout.write(`${statusText(groups, Date.now()).join('\n')}\n`);
}

function codeOf(groups: readonly GroupStatus[]): number {
  return groups.some(amiss) ? 3 : 0;
}

/** Something that will not mend itself. */
function amiss({ state, poison, drift, lastVerify }: GroupStatus): boolean {
  const bad = state === 'poisoned' || state === 'refused' || poison.length > 0 || drift.length > 0;
  return bad || (lastVerify?.different ?? 0) > 0;
}
