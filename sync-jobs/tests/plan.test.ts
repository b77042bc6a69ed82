import { describe, expect, test } from 'vitest';
import {
  constant,
  copy,
  flags,
  integer,
  legacyConstant,
  merge,
  oneWay,
  pair,
  split,
  utcTime,
} from '../mapping/fields.ts';
import { type GroupDeclaration, keyOf, type TableDeclaration } from '../mapping/group.ts';
import { columnsUsed, planTable, type Shapes } from '../mapping/plan.ts';
import { shapeOf } from './table-shape.ts';

const orders: TableDeclaration = {
  from: 'orders',
  to: 'sales',
  key: { from: 'id', to: 'sale_id' },
  writtenBy: 'written_by',
  owned: [
    copy('note'),
    oneWay(copy('note', 'remark'), 'a second copy'),
    constant('origin', 'legacy'),
    legacyConstant('channel', 'web'),
    split('name', ['first', 'last'], ' '),
  ],
  reference: [copy('id', 'legacy_id'), utcTime('made_at')],
};

const shapes: Shapes = {
  legacy: {
    ...shapeOf({
      id: 'integer',
      note: 'text',
      channel: 'text',
      name: 'text',
      made_at: 'other',
      gone_at: 'text',
    }),
    primaryKey: ['id'],
    unique: [['id'], ['name']],
  },
  service: {
    ...shapeOf({
      sale_id: 'integer',
      note: 'text',
      remark: 'text',
      origin: 'text',
      first: 'text',
      last: 'text',
      legacy_id: 'integer',
      made_at: 'integer',
      written_by: 'text',
    }),
    primaryKey: ['sale_id'],
    unique: [['sale_id'], ['note'], ['first', 'last'], ['sale_id', 'legacy_id'], ['written_by']],
  },
};

const shop = (table: TableDeclaration): GroupDeclaration => ({ name: 'shop', tables: [table] });
const forward = (table = orders) => planTable(shop(table), table, 'forward', shapes);
const back = (table = orders) => planTable(shop(table), table, 'back', shapes);

describe('forward', () => {
  test('reads each source column once and fills key, owned and reference columns in this order', () => {
    const plan = forward();
    expect([plan.group, plan.direction]).toEqual(['shop', 'forward']);
    expect(plan.source).toEqual({
      table: 'orders',
      key: ['id'],
      columns: ['id', 'note', 'name', 'made_at'],
      types: ['integer', 'text', 'text', 'other'],
    });
    expect(plan.target).toMatchObject({
      table: 'sales',
      key: ['sale_id'],
      columns: ['sale_id', 'note', 'remark', 'origin', 'first', 'last', 'legacy_id', 'made_at'],
      types: ['integer', 'text', 'text', 'text', 'text', 'text', 'integer', 'integer'],
      referenceFrom: 6,
      onInsert: [],
      writtenBy: 'written_by',
      absentWhenSet: undefined,
      updateOnly: false,
      advanceSequence: false,
    });
    expect(plan.convert([5n, 'x', 'Ada King', '2026-11-20 10:00:00'])).toEqual([
      5n,
      'x',
      'x',
      'legacy',
      'Ada',
      'King',
      5n,
      1795168800000n,
    ]);
  });

  test('a row that cannot be mapped is named with its field', () => {
    expect(() => forward().convert([5n, 'x', null, 'soon'])).toThrow(
      expect.objectContaining({
        code: 'row_unmappable',
        message: expect.stringMatching(
          /^shop: row 5 of orders cannot be mapped by made_at: "soon" is not a time of the form .*\.$/,
        ),
        hint: "Correct the row, or the field made_at in the group's declaration.",
      }),
    );
  });

  test('what goes wrong in other ways is not blamed on the row', () => {
    const broken = pair({
      from: ['note'],
      to: ['note'],
      toService() {
        throw new TypeError('a mistake in the declaration');
      },
      toLegacy: (values) => values,
    });
    const table: TableDeclaration = { ...orders, owned: [broken], reference: [] };
    expect(() => forward(table).convert([5n, 'x'])).toThrow(TypeError);
  });

  test('a soft-deleted row is no row of the service, and needs no mapping', () => {
    const plan = forward({ ...orders, absentWhenSet: 'gone_at' });
    expect(plan.source.columns).toEqual(['id', 'note', 'name', 'made_at', 'gone_at']);
    expect(plan.convert([5n, 'x', null, 'soon', '2026-11-20'])).toBeUndefined();
    expect(plan.convert([5n, 'x', null, null, ''])).toBeUndefined();
    expect(plan.convert([5n, 'x', null, null, null])?.slice(0, 2)).toEqual([5n, 'x']);
  });

  test('the group may not make or remove legacy rows, but their copies come and go', () => {
    expect(forward({ ...orders, rowsFrom: 'legacy' }).target.updateOnly).toBe(false);
    expect(forward({ ...orders, advanceSequence: true }).target.advanceSequence).toBe(true);
  });

  test('unique values other than the key are let go of by one of their written columns', () => {
    expect(forward().target.parking.map(({ column }) => column)).toEqual(['note', 'first', 'legacy_id']);
  });
});

describe('back', () => {
  test('reads what is written back, and no references, constants or one-way fields', () => {
    const plan = back();
    expect(plan.source).toEqual({
      table: 'sales',
      key: ['sale_id'],
      columns: ['sale_id', 'note', 'first', 'last'],
      types: ['integer', 'text', 'text', 'text'],
    });
    expect(plan.target).toMatchObject({
      table: 'orders',
      key: ['id'],
      columns: ['id', 'note', 'name'],
      types: ['integer', 'text', 'text'],
      referenceFrom: Number.POSITIVE_INFINITY,
      onInsert: [{ column: 'channel', declared: 'text', value: 'web' }],
      writtenBy: undefined,
      absentWhenSet: undefined,
      updateOnly: false,
    });
    expect(plan.target.parking).toEqual([{ column: 'name', type: 'text', declared: 'text', nullable: true }]);
    expect(plan.convert([5n, 'x', 'Ada', 'King'])).toEqual([5n, 'x', 'Ada King']);
  });

  test('a row that cannot be mapped is named with its field', () => {
    expect(() => back().convert([5n, 'x', 'Ada King', 'Lovelace'])).toThrow(
      'shop: row 5 of sales cannot be mapped by name -> first+last: "Ada King" holds the separator " " itself.',
    );
  });

  test('rows that only the legacy side makes are updated only, and soft deletes are set', () => {
    const { target } = back({
      ...orders,
      rowsFrom: 'legacy',
      absentWhenSet: 'gone_at',
      advanceSequence: true,
    });
    expect(target.updateOnly).toBe(true);
    expect(target.absentWhenSet).toEqual({ column: 'gone_at', type: 'text' });
    expect(target.advanceSequence).toBe(true);
  });
});

test('keys of several columns, and fields of several, go both ways', () => {
  const table: TableDeclaration = {
    from: 'lines',
    to: 'items',
    key: [
      { from: 'order_no', to: 'sale_id' },
      { from: 'code', to: 'sku' },
    ],
    owned: [
      merge(['street', 'town'], 'address', ', '),
      flags('state', { open: { paid: 0, sent: 0 }, done: { paid: 1, sent: 1 } }),
      integer('amount', 'quantity'),
    ],
  };
  const wide: Shapes = {
    legacy: shapeOf({
      order_no: 'integer',
      code: 'text',
      street: 'text',
      town: 'text',
      paid: 'boolean',
      sent: 'boolean',
      amount: 'text',
    }),
    service: shapeOf({
      sale_id: 'integer',
      sku: 'text',
      address: 'text',
      state: 'text',
      quantity: 'integer',
    }),
  };
  const there = planTable(shop(table), table, 'forward', wide);
  const again = planTable(shop(table), table, 'back', wide);
  const legacy = [7n, 'ALFKI', 'Main St 1', 'Köln', 1n, 1n, '3'];
  const service = [7n, 'ALFKI', 'Main St 1, Köln', 'done', 3n];
  expect(there.convert(legacy)).toEqual(service);
  expect(again.convert(service)).toEqual(legacy);
  expect(keyOf(table).length).toBe(2);
  expect(again.target.columns).toEqual(there.source.columns);
  expect(() => there.convert([7n, 'ALFKI', 'a', 'b', 0n, 1n, '3'])).toThrow(
    'shop: row 7, "ALFKI" of lines cannot be mapped by paid+sent -> state: no state is declared for paid 0, sent 1.',
  );
});

test('capture logs the columns that a side is read for', () => {
  const table = { ...orders, absentWhenSet: 'gone_at' };
  expect(columnsUsed(table, 'legacy')).toEqual(['id', 'note', 'name', 'made_at', 'gone_at']);
  expect(columnsUsed(table, 'service')).toEqual(['sale_id', 'note', 'first', 'last']);
  expect(columnsUsed(table, 'legacy')).toEqual(forward(table).source.columns);
  expect(columnsUsed(table, 'service')).toEqual(back(table).source.columns);
});
