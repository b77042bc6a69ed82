import { pipeline } from 'node:stream/promises';
import Database from 'better-sqlite3';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { install } from '../../sync-jobs/capture/installation.ts';
import { openStore } from '../../sync-jobs/stores/open.ts';
import { parseDatabaseUrl } from '../../sync-jobs/stores/url.ts';
import type { BenchDatabase } from './databases.ts';
import { type BenchPair, drain, openPair, secondsOf } from './pair.ts';
import { createLegacy, createService, fill, group, mappedSelect } from './tables.ts';
import { verifyAll } from './verification.ts';

/** What one round found. Ratios are to the plainest way that does the same on the same machine, measured in the same round. */
export interface Round {
  /** Rows a second of the first copy. */
  copied: number;
  /** Its speed divided by that of the plainest copy there is, with the mapping in SQL. */
  toPlainCopy: number;
  /** Row changes a second. */
  applied: number;
  /** Duration of a full verification of equal tables divided by that of reading both in order. */
  verifyToRead: number;
}

/** Copies, changes and verifies tables of so many rows. */
export async function measure(make: () => Promise<BenchDatabase>, rows: number): Promise<Round> {
  const pair = await openPair(make);
  try {
    await fill(pair.legacy, 1, rows);
    const plain = await plainCopy(make, pair);
    const copying = await secondsOf(() => drain(pair.forward));
    const changes = Math.min(rows, 100_000);
    await pair.legacy.run(`UPDATE bookings SET num_tickets = num_tickets + 1 WHERE id <= ${changes}`);
    const applying = await secondsOf(() => drain(pair.forward));
    const reading = await secondsOf(() => readBoth(pair));
    const verifying = await secondsOf(() => verifyAll(pair));
    return {
      copied: rows / copying,
      toPlainCopy: plain / copying,
      applied: changes / applying,
      verifyToRead: verifying / reading,
    };
  } finally {
    await pair.close();
  }
}

/** One INSERT … SELECT over ATTACH on SQLite, COPY out piped to COPY in on PostgreSQL; the seconds that it takes. */
async function plainCopy(make: () => Promise<BenchDatabase>, { legacy }: BenchPair): Promise<number> {
  const plain = await make();
  await createService(plain);
  const seconds = await (legacy.dialect === 'sqlite'
    ? insertSelect(legacy, plain)
    : copyPiped(legacy, plain));
  await plain.close();
  return seconds;
}

async function insertSelect(legacy: BenchDatabase, plain: BenchDatabase): Promise<number> {
  await plain.run(`ATTACH '${legacy.file}' AS l`);
  return secondsOf(() => plain.run(`INSERT INTO orders ${mappedSelect('sqlite', 'l.bookings')}`));
}

async function copyPiped(legacy: BenchDatabase, plain: BenchDatabase): Promise<number> {
  const clients = [new pg.Client(legacy.url), new pg.Client(plain.url)] as const;
  for (const client of clients) await client.connect();
  const seconds = await secondsOf(() =>
    pipeline(
      clients[0].query(copyTo(`COPY (${mappedSelect('postgres', 'bookings')}) TO STDOUT`)),
      clients[1].query(copyFrom('COPY orders FROM STDIN')),
    ),
  );
  for (const client of clients) await client.end();
  return seconds;
}

async function readBoth({ legacy, service }: BenchPair): Promise<void> {
  for (const [database, table] of [
    [legacy, 'bookings'],
    [service, 'orders'],
  ] as const) {
    const sql = `SELECT * FROM ${table} ORDER BY id`;
    if (database.dialect === 'sqlite') {
      const file = new Database(database.file, { readonly: true });
      for (const _ of file.prepare(sql).raw().iterate());
      file.close();
    } else {
      const client = new pg.Client(database.url);
      await client.connect();
      await client.query({ text: sql, rowMode: 'array' });
      await client.end();
    }
  }
}

/**
 * The booking transaction of an application that sets nothing on SQLite, a conditional update of the stock and an insert: its
 * duration with capture divided by that without, one value a round.
 */
export async function writeOverhead(make: () => Promise<BenchDatabase>, rounds: number): Promise<number[]> {
  const [bare, captured] = [await make(), await make()];
  for (const one of [bare, captured]) {
    await createLegacy(one);
    await fill(one, 1, 1_000);
  }
  const store = openStore(parseDatabaseUrl(captured.url, 'BENCH'));
  await install(store, [group], 'legacy');
  await store.close();
  const connections = [bare, captured].map(({ file }) => new Database(file));
  const ratios: number[] = [];
  let id = 10_000;
  for (let round = 0; round < rounds; round++) {
    const [without, withCapture] = connections.map((database) => {
      const stock = database.prepare('UPDATE events SET stock = stock - 1 WHERE id = 1 AND stock >= 1');
      const insert = database.prepare(
        "INSERT INTO bookings VALUES (?, 1, 1, 1, 4950, 'pending', '2026-11-20 10:00:00', NULL)",
      );
      const book = database.transaction(() => {
        stock.run();
        insert.run(id++);
      });
      const start = performance.now();
      for (let count = 0; count < 150; count++) book();
      return performance.now() - start;
    });
    ratios.push(withCapture! / without!);
  }
  for (const connection of connections) connection.close();
  await bare.close();
  await captured.close();
  return ratios;
}

/** Milliseconds from a commit at the source to its commit at the target, sorted, at a steady rate. */
export async function lags(
  make: () => Promise<BenchDatabase>,
  rate: number,
  seconds: number,
): Promise<number[]> {
  const pair = await openPair(make);
  const stopping = new AbortController();
  const found: number[] = [];
  const open: number[] = [];
  try {
    await fill(pair.legacy, 1, 1_000);
    await drain(pair.forward);
    const feeding = (async () => {
      while (!stopping.signal.aborted) {
        const step = await pair.forward.step('legacy');
        const now = performance.now();
        for (const committed of open.splice(0, step.changes)) found.push(now - committed);
        if (step.idle) await pair.forward.source.changed(1_000, stopping.signal);
      }
    })();
    const start = performance.now();
    for (let written = 0; written < rate * seconds; ) {
      const due = Math.floor(((performance.now() - start) / 1000) * rate);
      // Ten rows a transaction: an untuned SQLite does not commit a thousand times a second.
      for (; written + 10 <= due; written += 10) {
        const from = 1 + (written % 990);
        await pair.legacy.run(
          `UPDATE bookings SET num_tickets = num_tickets + 1 WHERE id >= ${from} AND id < ${from + 10}`,
        );
        const now = performance.now();
        for (let count = 0; count < 10; count++) open.push(now);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    while (open.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stopping.abort();
    await feeding;
  } finally {
    await pair.close();
  }
  return found.sort((left, right) => left - right);
}
