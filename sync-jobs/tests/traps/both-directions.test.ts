import { afterEach, describe, expect, test } from 'vitest';
import {
  copy,
  flags,
  legacyConstant,
  localTime,
  merge,
  money,
  split,
  utcTime,
  values,
} from '../../mapping/fields.ts';
import { defineGroup } from '../../mapping/group.ts';
import { PoisonRow } from '../../poison/poison.ts';
import type { Dialect, TestDatabase } from '../databases.ts';
import { openPair, pairs, type StorePair, settled } from '../store-pair.ts';
import { createTable, insert } from './tables.ts';

// Both feeds of a group, of which one is live; what either writes is no change to the other.

const group = defineGroup({
  name: 'trap',
  tables: [
    {
      from: 'orders',
      to: 'purchases',
      key: { from: 'id', to: 'purchase_id' },
      absentWhenSet: 'deleted_at',
      owned: [
        values('state', 'status', { n: 'new', p: 'paid' }, { back: { confirming: 'n' } }),
        utcTime('ordered_at'),
        money('amount', 'cents'),
        split('customer', ['first_name', 'last_name'], ' '),
        merge(['street', 'house'], 'address', ', '),
        flags('shipping', {
          none: { packed: 0, sent: 0 },
          packed: { packed: 1, sent: 0 },
          sent: { packed: 1, sent: 1 },
        }),
        localTime('due_at', 'due_at', { zone: 'Europe/Berlin' }),
        legacyConstant('channel', 'web'),
      ],
    },
    {
      from: 'articles',
      to: 'stocks',
      key: { from: 'id', to: 'id' },
      rowsFrom: 'legacy',
      writtenBy: 'written_by',
      owned: [copy('stock')],
      reference: [copy('title')],
    },
  ],
});

let pair: StorePair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

const legacyTables = async (database: TestDatabase) => {
  await createTable(database, {
    name: 'orders',
    columns: {
      id: 'integer',
      state: 'text NOT NULL',
      ordered_at: 'text',
      amount: 'decimal',
      customer: 'text',
      street: 'text',
      house: 'text',
      packed: 'boolean NOT NULL',
      sent: 'boolean NOT NULL',
      due_at: 'text',
      channel: 'text NOT NULL',
      deleted_at: 'text',
      remark: 'text',
    },
  });
  await createTable(database, {
    name: 'articles',
    columns: { id: 'integer', title: 'text NOT NULL', stock: 'integer NOT NULL' },
  });
};
const serviceTables = async (database: TestDatabase) => {
  await createTable(database, {
    name: 'purchases',
    columns: {
      purchase_id: 'integer',
      status: 'text NOT NULL',
      ordered_at: 'integer',
      cents: 'integer',
      first_name: 'text',
      last_name: 'text',
      address: 'text',
      shipping: 'text NOT NULL',
      due_at: 'integer',
    },
  });
  await createTable(database, {
    name: 'stocks',
    columns: {
      id: 'integer',
      title: 'text NOT NULL',
      stock: 'integer NOT NULL',
      written_by: "text NOT NULL DEFAULT 'service'",
    },
  });
};

async function open(dialects: [Dialect, Dialect]) {
  const opened = await openPair(group, dialects, { legacy: legacyTables, service: serviceTables });
  pair = opened;
  await insert(opened.legacy, 'orders', {
    id: 1,
    state: 'n',
    ordered_at: '2026-11-20 10:00:00',
    amount: '12.30',
    customer: 'Ada Lovelace King',
    street: 'Main St',
    house: '7, rear',
    packed: 0,
    sent: 0,
    due_at: '2026-07-01 12:00:00',
    channel: 'shop',
    remark: 'kept',
  });
  await insert(
    opened.legacy,
    'articles',
    { id: 1, title: 'Cup', stock: 5 },
    { id: 2, title: 'Pot', stock: 6 },
  );
  await settled(opened.legacy);
  await opened.drain(opened.feed());
  return opened;
}

const at = (text: string) => String(Date.parse(text));
const plain = (row: Record<string, string | null>) => ({
  ...row,
  amount: row.amount === null ? null : Number(row.amount),
  packed: { t: '1', f: '0' }[row.packed!] ?? row.packed,
  sent: { t: '1', f: '0' }[row.sent!] ?? row.sent,
});
const orders = async () => (await pair!.legacy.query('SELECT * FROM orders ORDER BY id')).map(plain);
const logged = async (database: TestDatabase) =>
  (await database.query('SELECT count(*) AS n FROM strangler_log')).map(({ n }) => Number(n))[0];

describe.each(pairs)('%s to %s', (from, to) => {
  test('rows go forward by every field, and come back as they were', async () => {
    const { service, legacy, feed, drain } = await open([from, to]);
    expect(await service.query('SELECT * FROM purchases')).toEqual([
      {
        purchase_id: '1',
        status: 'new',
        ordered_at: at('2026-11-20T10:00:00Z'),
        cents: '1230',
        first_name: 'Ada',
        last_name: 'Lovelace King',
        address: 'Main St, 7, rear',
        shipping: 'none',
        due_at: at('2026-07-01T10:00:00Z'),
      },
    ]);
    const back = feed('back');
    await drain(back, 'service');
    await service.query(
      "UPDATE purchases SET status = 'confirming', cents = -5, shipping = 'sent', last_name = NULL, due_at = ?, ordered_at = ? WHERE purchase_id = 1",
      at('2026-01-01T11:00:00Z'),
      at('2026-11-20T10:00:01Z'),
    );
    await insert(service, 'purchases', {
      purchase_id: 2,
      status: 'paid',
      ordered_at: null,
      cents: 100000000000001n,
      first_name: null,
      last_name: null,
      address: null,
      shipping: 'packed',
      due_at: at('2026-10-25T00:30:00Z'),
    });
    await drain(back, 'service');
    const before = { street: 'Main St', house: '7, rear', deleted_at: null };
    expect(await orders()).toEqual([
      {
        id: '1',
        state: 'n',
        ordered_at: '2026-11-20 10:00:01',
        amount: -0.05,
        customer: 'Ada',
        ...before,
        packed: '1',
        sent: '1',
        due_at: '2026-01-01 12:00:00',
        channel: 'shop',
        remark: 'kept',
      },
      {
        id: '2',
        state: 'p',
        ordered_at: null,
        amount: 1000000000000.01,
        customer: null,
        street: null,
        house: null,
        deleted_at: null,
        packed: '1',
        sent: '0',
        due_at: '2026-10-25 02:30:00',
        channel: 'web',
        remark: null,
      },
    ]);
    if (from === 'postgres') {
      expect(await legacy.query('SELECT amount FROM orders ORDER BY id')).toEqual([
        { amount: '-0.05' },
        { amount: '1000000000000.01' },
      ]);
    }
  });

  test('the second of two hours that show the same time cannot go back, nor an hour that never was come', async () => {
    const { service, legacy, feed, drain } = await open([from, to]);
    await legacy.query("UPDATE orders SET due_at = '2026-10-25 02:30:00'");
    await drain(feed());
    expect(await service.query('SELECT due_at FROM purchases')).toEqual([
      { due_at: at('2026-10-25T00:30:00Z') },
    ]);
    await legacy.query("UPDATE orders SET due_at = '2026-03-29 02:30:00'");
    await expect(drain(feed())).rejects.toMatchObject({ code: 'row_unmappable', table: 'orders', key: [1n] });
    await legacy.query("UPDATE orders SET due_at = '2026-03-29 03:00:00'");
    await settled(legacy);
    await drain(feed());
    expect(await service.query('SELECT due_at FROM purchases')).toEqual([
      { due_at: at('2026-03-29T01:00:00Z') },
    ]);
    const back = feed('back');
    await drain(back, 'service');
    await service.query('UPDATE purchases SET due_at = ?', at('2026-10-25T01:30:00Z'));
    await expect(drain(back, 'service')).rejects.toMatchObject({
      code: 'row_unmappable',
      table: 'purchases',
      key: [1n],
    });
    await service.query('UPDATE purchases SET due_at = ?', at('2026-10-25T02:30:00Z'));
    await settled(service);
    await drain(back, 'service');
    expect((await orders())[0]).toMatchObject({ due_at: '2026-10-25 03:30:00' });
  });

  test('a soft delete takes the row away, a delete at the service is a soft delete, and both come back', async () => {
    const { service, legacy, feed, drain } = await open([from, to]);
    await legacy.query("UPDATE orders SET deleted_at = '2026-11-01 00:00:00'");
    await drain(feed());
    expect(await service.query('SELECT * FROM purchases')).toEqual([]);
    await legacy.query('UPDATE orders SET deleted_at = NULL');
    await drain(feed());
    const back = feed('back');
    await drain(back, 'service');
    await service.query('DELETE FROM purchases');
    await drain(back, 'service');
    expect(await orders()).toMatchObject([
      { id: '1', remark: 'kept', deleted_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) },
    ]);
    await service.query("INSERT INTO purchases (purchase_id, status, shipping) VALUES (1, 'paid', 'none')");
    await drain(back, 'service');
    expect(await orders()).toMatchObject([
      { id: '1', state: 'p', remark: 'kept', deleted_at: null, channel: 'shop' },
    ]);
  });

  test('rows of the legacy side are updated only; one that is not there is a poison row', async () => {
    const { service, legacy, feed, drain } = await open([from, to]);
    const back = feed('back');
    await drain(back, 'service');
    await service.query("UPDATE stocks SET stock = stock - 2, written_by = 'service'");
    await drain(back, 'service');
    expect(await legacy.query('SELECT * FROM articles ORDER BY id')).toEqual([
      { id: '1', title: 'Cup', stock: '3' },
      { id: '2', title: 'Pot', stock: '4' },
    ]);
    await service.query("INSERT INTO stocks VALUES (9, 'Bowl', 1, 'service')");
    const error = await drain(back, 'service').catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(PoisonRow);
    expect(error).toMatchObject({ code: 'row_missing', table: 'stocks', key: [9n] });
    await service.query('DELETE FROM stocks WHERE id = 9');
    await settled(service);
    await drain(back, 'service');
    await service.query('DELETE FROM stocks WHERE id = 2');
    await expect(drain(back, 'service')).rejects.toMatchObject({
      code: 'row_missing',
      table: 'stocks',
      key: [2n],
    });
    expect(await legacy.query('SELECT id FROM articles ORDER BY id')).toEqual([{ id: '1' }, { id: '2' }]);
  });

  test('while the service owns: references follow, what the legacy side does otherwise is counted and not carried', async () => {
    const { service, legacy, feed, drain } = await open([from, to]);
    const [forward, back] = [feed(), feed('back')];
    await drain(back, 'service');
    await drain(forward, 'service');
    await legacy.query("UPDATE articles SET title = 'Mug', stock = 99 WHERE id = 1");
    await legacy.query("UPDATE orders SET state = 'p'");
    await insert(legacy, 'articles', { id: 3, title: 'New', stock: 7 });
    await legacy.query('DELETE FROM articles WHERE id = 2');
    const { foreign } = await drain(forward, 'service');
    expect(foreign).toBe(1);
    expect(await service.query('SELECT id, title, stock FROM stocks ORDER BY id')).toEqual([
      { id: '1', title: 'Mug', stock: '5' },
      { id: '2', title: 'Pot', stock: '6' },
      { id: '3', title: 'New', stock: '7' },
    ]);
    expect(await service.query('SELECT status FROM purchases')).toEqual([{ status: 'new' }]);
    const [state] = await service.query(
      "SELECT foreign_changes FROM strangler_feed WHERE feed = 'trap:forward'",
    );
    expect(state).toEqual({ foreign_changes: '1' });
  });

  test('with both feeds running, neither carries what the other wrote', async () => {
    const { service, legacy, feed, drain } = await open([from, to]);
    const [forward, back] = [feed(), feed('back')];
    await drain(back, 'legacy');
    const start = { legacy: await logged(legacy), service: await logged(service) };
    for (const owner of ['legacy', 'service', 'legacy', 'service'] as const) {
      if (owner === 'legacy') await legacy.query("UPDATE orders SET customer = customer || 'x'");
      else await service.query("UPDATE purchases SET address = address || 'y'");
      await legacy.query("UPDATE articles SET title = title || '!' WHERE id = 1");
      for (let round = 0; round < 3; round++) {
        const one = await drain(forward, owner);
        const other = await drain(back, owner);
        if (round > 0) expect([one.changes, one.foreign, other.changes, other.foreign]).toEqual([0, 0, 0, 0]);
      }
    }
    // Two writes of orders and four of articles here, two of purchases there, and not a row more.
    expect(await logged(legacy)).toBe(start.legacy! + 6);
    expect(await logged(service)).toBe(start.service! + 2);
    expect(start.service).toBe(0);
    expect(await orders()).toMatchObject([{ customer: 'Ada Lovelace Kingxx', house: '7, rearyy' }]);
    expect(await service.query('SELECT last_name, address FROM purchases')).toEqual([
      { last_name: 'Lovelace Kingxx', address: 'Main St, 7, rearyy' },
    ]);
  });
});
