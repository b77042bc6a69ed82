import { type Field, flags, split, values } from '../mapping/fields.ts';
import { twoWay } from '../mapping/two-way.ts';
import type { Row } from '../stores/value.ts';
import { shapeOf } from './table-shape.ts';

/** The columns of a legacy table, one of each type that fields tell apart. */
export const types = { a: 'text', b: 'text', n: 'integer', r: 'real', d: 'decimal', f: 'boolean' } as const;
/** A field upon that table. */
export const run = (field: Field) => twoWay(field, shapeOf(types));
/** What the service gets, and what comes back. */
export const there = (field: Field, ...row: Row) => run(field).toService(row);
export const back = (field: Field, ...row: Row) => run(field).toLegacy(row);

export const state = values(
  'a',
  'state',
  { open: 'o', closed: 'c', '1': 7 },
  { back: { confirming: 'open' } },
);
export const name = split('a', ['first', 'last'], ' ');
export const paid = flags('state', {
  new: { n: 0, f: 0, a: null },
  paid: { n: 1, f: 0, a: null },
  void: { n: 1, f: 1, a: 'void' },
});
export const milliseconds = { precision: 'milliseconds' } as const;
export const microseconds = { precision: 'microseconds' } as const;
export const cut = { finer: 'cut' } as const;
