import { setTimeout as delay } from 'node:timers/promises';
import { install } from '../capture/installation.ts';
import type { Owner } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Dialect } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { checkFeeds, checkSequences, logged } from './checks.ts';
import { compareSides, type Difference } from './compare.ts';
import { type Connection, connect } from './connection.ts';
import { type Counts, noCounts } from './counts.ts';
import { fillLegacy, makeDatabase } from './databases.ts';
import { FeedRunner, type Kills } from './feed-runner.ts';
import { tortureGroup } from './group.ts';
import { Random } from './random.ts';
import type { Side } from './schema.ts';
import { Writers } from './writers.ts';

export type Pair = readonly [legacy: Dialect, service: Dialect];

export interface RunOptions {
  seed: number;
  pair: Pair;
  milliseconds: number;
  /** For SQLite files. */
  folder: string;
  /** URL of a PostgreSQL server; needed where a side is on one. */
  server: string | undefined;
  onProgress?(progress: Progress): void;
  signal?: AbortSignal;
}

export interface Progress {
  elapsed: number;
  handovers: number;
  kills: number;
  changes: number;
}

/** What a run came to. It is good when there are neither findings nor differences. */
export interface RunResult {
  seed: number;
  pair: string;
  seconds: number;
  /** What went wrong, a line each. */
  findings: string[];
  /** It was told to stop before its time. */
  interrupted: boolean;
  differences: Difference[];
  /** Rows of the last comparison, and how often both sides were compared in all. */
  rows: number;
  comparisons: number;
  handovers: number;
  kills: Kills;
  counts: Counts;
  databases: Record<Side, string>;
  /** Removes the databases. SQLite files are the caller's, with their folder. */
  drop(): Promise<void>;
}

const drainWithin = 60_000;

/**
 * One run over one pair of databases: phases of writing by the owner's applications while the feeds are killed and
 * started again, and between them a change of owner. At the end of every phase both sides have to be equal.
 */
export async function tortureOnce(options: RunOptions): Promise<RunResult> {
  const { seed, pair, milliseconds, onProgress, signal } = options;
  const random = new Random(seed, 'run');
  const legacyDatabase = await makeDatabase('legacy', pair[0], { ...options, random });
  const serviceDatabase = await makeDatabase('service', pair[1], { ...options, random });
  const urls = { legacy: legacyDatabase.url, service: serviceDatabase.url };
  const connections = { legacy: await connect(urls.legacy), service: await connect(urls.service) };
  const began = performance.now();
  const result: RunResult = {
    seed,
    pair: pair.join('-'),
    seconds: 0,
    findings: [],
    interrupted: false,
    differences: [],
    rows: 0,
    comparisons: 0,
    handovers: 0,
    kills: { anywhere: 0, inTransaction: 0, overlapping: 0 },
    counts: noCounts(),
    databases: urls,
    async drop() {
      await legacyDatabase.drop();
      await serviceDatabase.drop();
    },
  };
  const trouble = new AbortController();
  const failed = (reason: string) => {
    if (!trouble.signal.aborted) result.findings.push(reason);
    trouble.abort();
  };
  const over = AbortSignal.any([trouble.signal, ...(signal === undefined ? [] : [signal])]);
  await fillLegacy(connections.legacy, random);
  const writers = Object.fromEntries(
    (['legacy', 'service'] as const).map((side) => [
      side,
      startWriters(side, urls[side], seed, result.counts, failed),
    ]),
  ) as Record<Side, Writers>;
  let feeds: FeedRunner | undefined;
  const ticking = setInterval(() => {
    const { inserts, updates, deletes } = result.counts;
    onProgress?.({
      elapsed: performance.now() - began,
      handovers: result.handovers,
      kills: result.kills.anywhere + result.kills.inTransaction,
      changes: inserts + updates + deletes,
    });
  }, 500);
  try {
    const installLate = random.chance(0.5);
    if (installLate) writers.legacy.run();
    for (const side of ['legacy', 'service'] as const) await installCapture(side, urls[side]);
    const running = new FeedRunner(
      {
        legacyUrl: urls.legacy,
        serviceUrl: urls.service,
        owner: 'legacy',
        seed,
        chunkRows: random.pick([7, 20, 50]),
        pageRows: random.pick([5, 100, 10_000]),
        dieInTransaction: 0.03,
      },
      failed,
    );
    feeds = running;
    result.kills = running.kills;
    let owner: Owner = 'legacy';
    // Of its own: how many pauses there are depends on the time that everything takes.
    const pauses = new Random(seed, 'pauses');
    const phases = Math.max(3, Math.round(milliseconds / 6_000));
    for (let phase = 0; phase < phases && !over.aborted; phase++) {
      const other: Owner = owner === 'legacy' ? 'service' : 'legacy';
      const before = await logged(connections[other]);
      writers[owner].run();
      await killFor(running, milliseconds / phases, pauses, over);
      await writers[owner].pause();
      if (random.chance(0.5)) void running.kill();
      if (!(await drained(running, over))) {
        if (!over.aborted) failed(`the feeds did not drain within ${drainWithin / 1000} s: ${running.lag}`);
        break;
      }
      const after = await logged(connections[other]);
      if (after.changes !== before.changes || after.touched !== before.touched) {
        failed(`the log of the ${other} database grew by what a feed wrote`);
      }
      await compareNow(connections, result, failed);
      if (phase === phases - 1 || over.aborted) break;
      (await checkSequences(other, connections[other])).forEach(failed);
      await switchOwner(running, other, connections);
      owner = other;
      result.handovers++;
    }
  } catch (error) {
    failed(`torture itself failed: ${(error as Error).stack}`);
  } finally {
    clearInterval(ticking);
    await feeds?.stop();
    await Promise.all(Object.values(writers).map((one) => one.stop()));
    await Promise.all(Object.values(connections).map((one) => one.close()));
  }
  result.interrupted = signal?.aborted === true;
  result.seconds = (performance.now() - began) / 1000;
  return result;
}

function startWriters(
  side: Side,
  url: string,
  seed: number,
  counts: Counts,
  failed: (reason: string) => void,
): Writers {
  const names = ['a', 'b', 'c'].map((letter) => `${side} writer ${letter}`);
  return new Writers(
    names.map((name) => ({ url, side, seed, name })),
    counts,
    failed,
  );
}

async function installCapture(side: Side, url: string): Promise<void> {
  const store = openStore(parseDatabaseUrl(url, 'TORTURE'));
  try {
    while (true) {
      try {
        await install(store, [tortureGroup], side);
        return;
      } catch (error) {
        // Writers may be at it already.
        if ((error as { code?: string }).code !== 'store_busy') throw error;
        await delay(20);
      }
    }
  } finally {
    await store.close();
  }
}

async function killFor(
  feeds: FeedRunner,
  milliseconds: number,
  random: Random,
  over: AbortSignal,
): Promise<void> {
  const until = performance.now() + milliseconds;
  while (!over.aborted && performance.now() < until) {
    const pause = Math.min(random.between(300, 2_000), until - performance.now());
    await delay(pause, undefined, { signal: over }).catch(() => {});
    if (performance.now() < until && !over.aborted) await feeds.kill();
  }
}

function drained(feeds: FeedRunner, over: AbortSignal): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), drainWithin).unref();
    over.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(false);
    });
    if (over.aborted) resolve(false);
  });
  return Promise.race([feeds.drain().then(() => true), late]);
}

async function compareNow(
  { legacy, service }: Record<Side, Connection>,
  result: RunResult,
  failed: (reason: string) => void,
): Promise<void> {
  const { rows, differences } = await compareSides(legacy, service);
  result.rows = rows;
  result.comparisons++;
  result.differences = differences;
  if (differences.length > 0)
    failed(`${differences.length} rows differ after ${result.handovers} changes of owner`);
  (await checkFeeds(legacy, service)).forEach(failed);
}

async function switchOwner(
  feeds: FeedRunner,
  owner: Owner,
  { service }: Record<Side, Connection>,
): Promise<void> {
  await feeds.setOwner(owner);
  if (owner === 'service') return;
  // What the service wrote is on the legacy side now, which is to change it from here on: the marks that protect the
  // service's own writes have done their work. They are no column of the mapping, so no log sees this.
  await service.run("UPDATE opinions SET written_by = 'sync' WHERE written_by <> 'sync'");
}
