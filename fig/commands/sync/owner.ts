import { Failure } from '@strangler-fig/kernel/failure';
import type { Ownership } from '@strangler-fig/sync-jobs/ownership/owner';
import type { Command } from 'commander';
import { command, knownGroups, urlOption } from './control-api.ts';
import { withElapsed } from './elapsed.ts';
import { line, styled } from './text.ts';

interface OwnerOptions {
  readonly url: string;
  readonly acceptDifferences?: boolean;
  readonly json?: boolean;
}

const notice =
  'Nobody is kept from writing meanwhile, and no route is changed: see to it that only one side writes. The coordinated handover is to come.';

/** `fig sync owner`: gives a group's rows to the other side. */
export function registerOwner(sync: Command): void {
  sync
    .command('owner')
    .summary("give a group's rows to the other side")
    .description(
      `Gives a group's rows to the legacy side or to the service, once everything the owner wrote has been carried over. ${notice}`,
    )
    .argument('<group>')
    .argument('<side>', 'legacy or service')
    .option(...urlOption)
    .option(
      '--accept-differences',
      'also where the last verification found differences, or rows were left out by skip; the audit says so',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 usage, 3 refused, with all reasons.`,
    )
    .action(give);
}

async function give(group: string, side: string, { url, json, ...options }: OwnerOptions): Promise<void> {
  if (side !== 'legacy' && side !== 'service') {
    throw new Failure('side_invalid', `${JSON.stringify(side)} is no side.`, {
      hint: 'Give legacy or service.',
      exitCode: 2,
    });
  }
  const [was] = await knownGroups(url, [group]);
  if (!json) process.stderr.write(`${styled('yellow', notice, process.stderr)}\n`);
  const { acceptDifferences = false } = options;
  const asked = command<Ownership>(url, group, 'owner', { owner: side, acceptDifferences });
  const is = await withElapsed(`waiting for ${group} to catch up`, asked);
  if (json) return line(JSON.stringify(is, undefined, 2));
  const already = was?.epoch === is.epoch ? 'already ' : '';
  line(`${group}: ${already}owned by ${is.owner}, epoch ${is.epoch}`);
}
