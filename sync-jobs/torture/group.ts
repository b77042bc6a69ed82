import {
  copy,
  flags,
  integer,
  legacyConstant,
  merge,
  money,
  split,
  utcTime,
  values,
} from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';

/** Three tables that have, together, most of what a mapping can say; `schema.ts` makes them, `compare.ts` knows them. */
export const tortureGroup = defineGroup({
  name: 'torture',
  tables: [
    {
      from: 'articles',
      to: 'products',
      key: { from: 'id', to: 'product_id' },
      advanceSequence: true,
      owned: [
        copy('title', 'name'),
        copy('sku'),
        copy('slot'),
        values('state', 'status', { A: 'active', B: 'blocked', D: 'draft' }),
        utcTime('updated', 'updated_at', { precision: 'milliseconds' }),
        money('price', 'price_cents'),
        split('label', ['brand', 'model'], ' / '),
        merge(['first_name', 'last_name'], 'maker', ' '),
        flags('phase', {
          open: { is_open: 1, is_paid: 0 },
          paid: { is_open: 0, is_paid: 1 },
          closed: { is_open: 0, is_paid: 0 },
        }),
        copy('weight'),
        copy('payload'),
        copy('big'),
        legacyConstant('channel', 'service'),
      ],
    },
    {
      from: 'codes',
      to: 'vouchers',
      key: [
        { from: 'region', to: 'area' },
        { from: 'code', to: 'voucher' },
      ],
      absentWhenSet: 'removed_at',
      owned: [integer('amount'), copy('note')],
    },
    {
      from: 'reviews',
      to: 'opinions',
      key: { from: 'id', to: 'opinion_id' },
      advanceSequence: true,
      writtenBy: 'written_by',
      owned: [
        copy('article_id', 'product_id'),
        copy('author'),
        copy('rating', 'stars'),
        copy('body'),
        utcTime('posted', 'posted_at'),
      ],
    },
  ],
});
