import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import { Feed } from '../feed/feed.ts';
import type { Direction, Owner } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { tortureGroup } from './group.ts';
import type { FeedSettings, FromFeed, ToFeed } from './messages.ts';
import { mortal } from './mortal-store.ts';
import { Random } from './random.ts';

// Runs both feeds of the group until it is killed, at best in the middle of something.

const settings = JSON.parse(process.argv[2]!) as FeedSettings;
const random = new Random(settings.seed, settings.name);
const tryAgain = new Set(['store_busy', 'store_unavailable', 'feed_moved']);
let owner = settings.owner;
let drain: { id: number; left: Set<Direction> } | undefined;
/** Under which owner each loop's current step began; who is told of a change of owner may rely on it. */
const under = new Map<Direction, Owner>();
let wake = new AbortController();

process.on('disconnect', () => process.exit(0));
// A terminal interrupts everybody; the one that started us ends us in order.
process.on('SIGINT', () => {});
process.on('message', (message: ToFeed) => {
  if (message.kind === 'owner') owner = message.owner;
  else drain = { id: message.id, left: new Set<Direction>(['forward', 'back']) };
  wake.abort();
});
await Promise.all([run('forward'), run('back')]);

async function run(direction: Direction): Promise<never> {
  const open = (url: string): Store => openStore(parseDatabaseUrl(url, 'TORTURE'));
  const [from, to] =
    direction === 'forward'
      ? [settings.legacyUrl, settings.serviceUrl]
      : [settings.serviceUrl, settings.legacyUrl];
  const source = open(from);
  const feed = new Feed({
    group: tortureGroup,
    direction,
    source,
    target: mortal(open(to), settings.dieInTransaction, random),
    chunkRows: settings.chunkRows,
    pageRows: settings.pageRows,
  });
  while (true) {
    const asked = drain;
    enter(direction);
    try {
      const step = await feed.step(owner);
      if (!step.idle) continue;
      if (asked !== undefined && asked === drain && asked.left.has(direction)) {
        const lag = await feed.lag();
        if (lag.rows === 0) arrived(asked, direction);
        else
          tell({ kind: 'lag', text: `${feed.name}: ${lag.rows} rows behind; ${lag.heldBackBy.join('; ')}` });
        await delay(5);
        continue;
      }
      if (wake.signal.aborted) wake = new AbortController();
      await source.changed(200, wake.signal);
    } catch (error) {
      if (!(error instanceof Failure) || !tryAgain.has(error.code)) {
        const reason =
          error instanceof Failure ? `${error.code}: ${error.line}` : String((error as Error).stack);
        tell({ kind: 'failed', reason: `${feed.name}: ${reason}` });
      }
      feed.forget();
      await delay(20);
    }
  }
}

/** A step begins. Once both loops are under the new owner, no step under the old one runs any more. */
function enter(direction: Direction): void {
  if (under.get(direction) === owner) return;
  under.set(direction, owner);
  if (under.get('forward') === under.get('back')) tell({ kind: 'owner', owner });
}

function arrived(asked: { id: number; left: Set<Direction> }, direction: Direction): void {
  asked.left.delete(direction);
  if (asked.left.size > 0) return;
  drain = undefined;
  tell({ kind: 'drained', id: asked.id });
}

function tell(message: FromFeed): void {
  process.send?.(message);
}
