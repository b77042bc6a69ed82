import { Feed } from '../feed/feed.ts';
import { readKeys } from '../feed/range.ts';
import { loadSkips, type Skips } from '../poison/poison.ts';
import { rowName } from '../poison/skip-command.ts';
import type { Session } from '../stores/store.ts';
import { keyText, type Row, shownKey } from '../stores/value.ts';
import { comparedColumns } from '../verify/differences.ts';
import { comparisons, differenceOf, readableTarget } from '../verify/verify.ts';
import type { RunningGroup } from './running-group.ts';

/** Rows that a person left out and that still are not at the follower as the owner has them: `TABLE KEY`. */
export async function leftOut(group: RunningGroup): Promise<string[]> {
  const { declaration, ownership, open, chunkRows } = group;
  const [legacy, service] = [open('legacy'), open('service')];
  const feed = (direction: 'forward' | 'back') => {
    const [source, target] = direction === 'forward' ? [legacy, service] : [service, legacy];
    return new Feed({ group: declaration, direction, source, target, chunkRows });
  };
  const feeds = { forward: feed('forward'), back: feed('back') };
  try {
    const found: string[] = [];
    for (const { feed, compared } of await comparisons({ owner: ownership.owner, ...feeds })) {
      const { source } = compared.plan;
      const skips = await feed.target.snapshot((session) => loadSkips(session, feed.name));
      const keys = keysOf(skips, source.table);
      if (keys.length === 0) continue;
      const read = async (session: Session, from: Parameters<typeof readKeys>[1]) =>
        byKey(await readKeys(session, from, keys), source.key.length);
      const target = readableTarget(compared.plan, comparedColumns(compared.plan).columns);
      const rows = await feed.source.snapshot((session) => read(session, source));
      const there = await feed.target.snapshot((session) => read(session, target));
      for (const key of keys) {
        const text = keyText(key);
        if (differenceOf(compared, key, rows.get(text), there.get(text)) === undefined) continue;
        found.push(rowName({ table: source.table, key: shownKey(key) }));
      }
    }
    return found;
  } finally {
    await Promise.all([legacy.close(), service.close()]);
  }
}

function keysOf(skips: Skips, table: string): Row[] {
  return (skips.get(table) ?? []).map(({ key }) => key);
}

function byKey(rows: Row[], width: number): Map<string, Row> {
  return new Map(rows.map((row) => [keyText(row.slice(0, width)), row]));
}
