import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '../../../testing/postgres.ts';
import { createGroupCommit, type GroupCommit, OverloadedError } from '../group-commit.ts';
import { openStore, type Store } from '../store.ts';
import { databases } from '../testing/databases.ts';

interface Schema {
  notes: { id: number; text: string };
}

describe.each(databases)('group commit on $name', ({ name, create }) => {
  let database: TestDatabase;
  let store: Store<Schema>;
  let other: Store<Schema>;

  beforeAll(async () => {
    database = await create();
    store = openStore(database.url);
    other = openStore(database.url);
    await store.db.schema
      .createTable('notes')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('text', 'text', (column) => column.notNull())
      .execute();
  });

  afterAll(async () => {
    await other.close();
    await store.close();
    await database.drop();
  });

  const insert = (commits: GroupCommit, id: number, text = 'x') =>
    commits.submit((tx) => tx.run('INSERT INTO notes (id, text) VALUES (?, ?)', id, text));

  const ids = async () => {
    const rows = await other.db.selectFrom('notes').select('id').orderBy('id').execute();
    return rows.map((row) => row.id);
  };

  test('a result arrives when another connection can see its work, and not before', async () => {
    await other.db.deleteFrom('notes').execute();
    const commits = createGroupCommit(store);
    let seenInside: number[] | undefined;
    const done = commits.submit(async (tx) => {
      await tx.run('INSERT INTO notes (id, text) VALUES (1, ?)', 'a');
      seenInside = await ids();
      return 'result';
    });
    expect(await done).toBe('result');
    expect(seenInside).toEqual([]);
    expect(await ids()).toEqual([1]);
    await commits.close();
  });

  test('many units share one transaction and keep their order', async () => {
    await other.db.deleteFrom('notes').execute();
    let begun = 0;
    const counting = {
      ...store,
      session: async () => {
        begun += 1;
        return store.session();
      },
    };
    const commits = createGroupCommit(counting);
    const order: number[] = [];
    const work = Array.from({ length: 50 }, (_, index) =>
      commits.submit(async (tx) => {
        order.push(index);
        await tx.run('INSERT INTO notes (id, text) VALUES (?, ?)', index, 'x');
        return index;
      }),
    );
    expect(await Promise.all(work)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(begun).toBe(1);
    await commits.close();
  });

  test('a unit that throws is undone alone', async () => {
    await other.db.deleteFrom('notes').execute();
    const commits = createGroupCommit(store);
    const results = await Promise.allSettled([
      insert(commits, 1),
      commits.submit(async (tx) => {
        await tx.run('INSERT INTO notes (id, text) VALUES (2, ?)', 'to be undone');
        throw new Error('a reason of its own');
      }),
      insert(commits, 1),
      insert(commits, 3),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect((results[1] as PromiseRejectedResult).reason.message).toBe('a reason of its own');
    expect(await ids()).toEqual([1, 3]);
    await commits.close();
  });

  test('beyond the queue it refuses at once, and what it took is done', async () => {
    await other.db.deleteFrom('notes').execute();
    const commits = createGroupCommit(store, { maxQueue: 3, maxBatch: 2 });
    const taken = [insert(commits, 1), insert(commits, 2), insert(commits, 3)];
    await expect(insert(commits, 4)).rejects.toThrow(OverloadedError);
    await Promise.all(taken);
    expect(await ids()).toEqual([1, 2, 3]);
    expect(await insert(commits, 5)).toBe(1);
    await commits.close();
  });

  test('close waits for what was taken and refuses the rest', async () => {
    await other.db.deleteFrom('notes').execute();
    const commits = createGroupCommit(store, { maxBatch: 1 });
    const taken = [insert(commits, 1), insert(commits, 2), insert(commits, 3)];
    await commits.close();
    expect(await ids()).toEqual([1, 2, 3]);
    await Promise.all(taken);
    await expect(insert(commits, 4)).rejects.toThrow('shutting down');
  });

  test('a store that does not answer fails the batch and nothing after it', async () => {
    await other.db.deleteFrom('notes').execute();
    let down = true;
    const flaky = {
      ...store,
      session: async () => {
        if (down) throw new Error('no connection');
        return store.session();
      },
    };
    const commits = createGroupCommit(flaky);
    await expect(insert(commits, 1)).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
    down = false;
    expect(await insert(commits, 2)).toBe(1);
    expect(await ids()).toEqual([2]);
    await commits.close();
  });

  // SQLite has one writer at a time, so nothing can be locked crosswise there.
  const onPostgresOnly = name === 'PostgreSQL' ? test : () => {};
  onPostgresOnly(
    'connections that break fail their own batch, end no process and are not leaked',
    async () => {
      await other.db.deleteFrom('notes').execute();
      const commits = createGroupCommit(store);
      // More often than the pool has connections.
      for (let round = 0; round < 12; round += 1) {
        const cut = commits.submit((tx) => tx.first('SELECT pg_terminate_backend(pg_backend_pid())'));
        await expect(cut).rejects.toMatchObject({ code: 'store_unavailable' });
      }
      expect(await insert(commits, 1)).toBe(1);
      await commits.close();
    },
  );

  onPostgresOnly('a unit that swallows a failed statement is not taken for committed', async () => {
    await other.db.deleteFrom('notes').execute();
    const commits = createGroupCommit(store);
    await insert(commits, 1);
    const swallowed = commits.submit(async (tx) => {
      await tx.run('INSERT INTO notes (id, text) VALUES (2, ?)', 'x');
      await tx.run('INSERT INTO notes (id, text) VALUES (1, ?)', 'x').catch(() => {});
    });
    await expect(swallowed).rejects.toMatchObject({ status: 503 });
    expect(await ids()).toEqual([1]);
    await commits.close();
  });

  onPostgresOnly('two instances that lock rows crosswise both succeed', async () => {
    await other.db.deleteFrom('notes').execute();
    const [left, right] = [createGroupCommit(store), createGroupCommit(other)];
    await Promise.all([insert(left, 1), insert(left, 2)]);
    const both = new Barrier(2);
    const cross = (commits: GroupCommit, first: number, second: number) =>
      commits.submit(async (tx) => {
        await tx.run(`UPDATE notes SET text = text || 'y' WHERE id = ?`, first);
        await both.arrive();
        await tx.run(`UPDATE notes SET text = text || 'y' WHERE id = ?`, second);
      });
    await Promise.all([cross(left, 1, 2), cross(right, 2, 1)]);
    const rows = await store.db.selectFrom('notes').select('text').execute();
    expect(rows.map((row) => row.text)).toEqual(['xyy', 'xyy']);
    await Promise.all([left.close(), right.close()]);
  });
});

/** Lets everybody on when all have arrived once; later arrivals pass. */
class Barrier {
  readonly #all: number;
  #arrived = 0;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  constructor(all: number) {
    this.#all = all;
  }

  async arrive(): Promise<void> {
    this.#arrived += 1;
    if (this.#arrived >= this.#all) this.#open();
    await this.#opened;
  }
}
