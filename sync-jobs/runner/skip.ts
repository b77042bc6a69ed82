import { Failure } from '@strangler-fig/kernel/failure';
import { loadPoison, type Poison, skipPoison } from '../poison/poison.ts';
import { rowName, skipCommand } from '../poison/skip-command.ts';
import { shownKey } from '../stores/value.ts';
import type { FeedRunner } from './feed-runner.ts';
import { bothFeeds, type RunningGroup } from './running-group.ts';

/**
 * Leaves the change of a poison row out, for good, and writes down who decided so.
 * @param row as the person has seen it, `TABLE KEY`: before which row a feed stands may change at any time.
 * @throws Failure `no_poison` where there is none; `poison_moved`, exit code 3, where it is another row.
 */
export async function skip(group: RunningGroup, row: string, who: string): Promise<Poison[]> {
  const skipped: Poison[] = [];
  const others: string[] = [];
  for (const runner of bothFeeds(group)) {
    const poison = await skipIf(runner, who, (found) => nameOf(found) === row);
    if (poison === undefined) continue;
    if (nameOf(poison) !== row) {
      others.push(nameOf(poison));
      continue;
    }
    runner.feed.forget();
    runner.wake();
    skipped.push(poison);
  }
  if (skipped.length > 0) return skipped;
  const { name } = group.declaration;
  if (others.length === 0) {
    throw new Failure('no_poison', `${name} has no poison row.`, { hint: 'There is nothing to skip.' });
  }
  throw new Failure('poison_moved', `${name} does not stand before ${row} but before ${others.join(', ')}.`, {
    hint: `Look at \`fig sync status\` again; ${others.map((other) => `\`${skipCommand(name, other)}\``).join(', ')} would leave that out.`,
    exitCode: 3,
  });
}

/** The feed's poison row, which is skipped if it is the one that was meant. */
function skipIf(
  runner: FeedRunner,
  who: string,
  meant: (poison: Poison) => boolean,
): Promise<Poison | undefined> {
  const { target, name } = runner.feed;
  return runner.exclusively(() =>
    target.transaction(async (writer) => {
      const poison = await loadPoison(writer, name);
      if (poison !== undefined && meant(poison)) await skipPoison(writer, poison, who);
      return poison;
    }),
  );
}

function nameOf({ table, key }: Poison): string {
  return rowName({ table, key: shownKey(key) });
}
