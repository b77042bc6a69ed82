import type { Cell } from './connection.ts';
import type { Random } from './random.ts';
import type { Side } from './schema.ts';

/** A part of a row: columns that are chosen together. */
type Part = (random: Random) => Record<string, Cell>;

/** A table as a writer knows it. */
export interface WorkTable {
  name: string;
  key: string[];
  /** A key out of few, so that writers meet at the same rows. */
  pickKey: Part;
  parts: Part[];
  /** Columns outside the group. A change of these alone is none. */
  ours: string;
}

/** One side's tables. */
export interface WorkSide {
  parent: WorkTable;
  codes: WorkTable;
  child: WorkTable;
  /** Marks a code as absent, where that side does so instead of removing it. */
  softDelete: { column: string } | undefined;
}

/** How many keys a writer chooses from, by table. */
export const keyCount = { parent: 500, child: 900 };

const texts = [
  '',
  ' ',
  'NULL',
  '{a,"b"}',
  'O\'Hara \\ "q"',
  'Zoë 👩‍🎤',
  '\u{1F600}',
  '\uFFFD',
  'ﬀ',
  'tab\tnew\nline',
  '?',
  '$1',
  '%_',
];
const regions = ['', 'a', 'A', 'ä', 'Z', '\uFFFD', '\u{1F600}', 'a b'];

function text(random: Random): string {
  return random.chance(0.3) ? random.pick(texts) : `t${random.below(100_000)}`;
}

function optional<T extends Cell>(random: Random, make: () => T): T | null {
  return random.chance(0.2) ? null : make();
}

function whole(value: number): bigint {
  return BigInt(value);
}

const milliseconds = (random: Random) => 1_700_000_000_000 + random.below(100_000_000_000);
const seconds = (random: Random) => Math.floor(milliseconds(random) / 1000) * 1000;

function shown(at: number, random: Random): string {
  const iso = new Date(at).toISOString();
  const fraction = at % 1000 === 0 && random.chance(0.5) ? '' : iso.slice(19, 23);
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction}`;
}

const big = (random: Random) =>
  random.chance(0.2)
    ? random.pick([9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n])
    : whole(random.below(1_000_000));
const real = (random: Random) =>
  random.chance(0.2) ? random.pick([0.1, 1e300, -2.5e-300, 3, 0.30000000000000004]) : random.next() * 1000;
const blob = (random: Random) =>
  Buffer.from(Array.from({ length: random.below(12) }, () => random.below(256)));
const cents = (random: Random) => random.below(10_000_000) - 1_000_000;

/** Values whose unique index is what matters: out of few, so that they collide. */
const sku = (random: Random) => ({ sku: optional(random, () => `sku-${random.below(700)}`) });
const slot = (random: Random) => ({ slot: whole(random.below(2_000_000)) });
const shared: Part[] = [
  sku,
  slot,
  (random) => ({ weight: optional(random, () => real(random)) }),
  (random) => ({ payload: optional(random, () => blob(random)) }),
  (random) => ({ big: optional(random, () => big(random)) }),
];

const parentKey = (random: Random) => whole(1 + random.below(keyCount.parent));
const childKey = (random: Random) => whole(1 + random.below(keyCount.child));
const author = (random: Random) => ({ author: random.pick(['ann', 'bob', 'cem', 'dora']) });

const legacy: WorkSide = {
  parent: {
    name: 'articles',
    key: ['id'],
    pickKey: (random) => ({ id: parentKey(random) }),
    ours: 'views',
    parts: [
      (random) => ({ title: text(random) }),
      (random) => ({ state: random.pick(['A', 'B', 'D']) }),
      (random) => ({ updated: optional(random, () => shown(milliseconds(random), random)) }),
      (random) => ({ price: optional(random, () => (cents(random) / 100).toFixed(2)) }),
      (random) => ({
        label: optional(random, () => `${text(random)}${random.pick(['', ' / ', ' / x / '])}${text(random)}`),
      }),
      (random) => names(random),
      (random) => random.pick([flagsOf(1n, 0n), flagsOf(0n, 1n), flagsOf(0n, 0n)]),
      (random) => ({ channel: text(random) }),
      ...shared,
    ],
  },
  codes: {
    name: 'codes',
    key: ['region', 'code'],
    pickKey: (random) => ({ region: random.pick(regions), code: codeText(random) }),
    ours: 'region',
    parts: [
      (random) => ({ amount: `${random.pick(['', '00', '-'])}${random.below(1_000_000)}` }),
      (random) => ({ note: optional(random, () => text(random)) }),
    ],
  },
  child: {
    name: 'reviews',
    key: ['id'],
    pickKey: (random) => ({ id: childKey(random) }),
    ours: 'id',
    parts: [
      (random) => ({ article_id: parentKey(random) }),
      author,
      (random) => ({ rating: whole(random.below(6)) }),
      (random) => ({ body: optional(random, () => text(random)) }),
      (random) => ({
        posted: optional(random, () =>
          new Date(seconds(random)).toISOString().slice(0, 19).replace('T', ' '),
        ),
      }),
    ],
  },
  softDelete: { column: 'removed_at' },
};

const service: WorkSide = {
  parent: {
    name: 'products',
    key: ['product_id'],
    pickKey: (random) => ({ product_id: parentKey(random) }),
    ours: 'hits',
    parts: [
      (random) => ({ name: text(random) }),
      (random) => ({ status: random.pick(['active', 'blocked', 'draft']) }),
      (random) => ({ updated_at: optional(random, () => whole(milliseconds(random))) }),
      (random) => ({ price_cents: optional(random, () => whole(cents(random))) }),
      (random) => brandAndModel(random),
      (random) => ({
        maker: optional(random, () => `${text(random)}${random.pick(['', ' '])}${text(random)}`),
      }),
      (random) => ({ phase: random.pick(['open', 'paid', 'closed']) }),
      ...shared,
    ],
  },
  codes: {
    name: 'vouchers',
    key: ['area', 'voucher'],
    pickKey: (random) => ({ area: random.pick(regions), voucher: codeText(random) }),
    ours: 'area',
    parts: [
      (random) => ({ amount: whole(random.below(2_000_000) - 1_000_000) }),
      (random) => ({ note: optional(random, () => text(random)) }),
    ],
  },
  child: {
    name: 'opinions',
    key: ['opinion_id'],
    pickKey: (random) => ({ opinion_id: childKey(random) }),
    ours: 'opinion_id',
    parts: [
      (random) => ({ product_id: parentKey(random) }),
      author,
      (random) => ({ stars: whole(random.below(6)) }),
      (random) => ({ body: optional(random, () => text(random)) }),
      (random) => ({ posted_at: optional(random, () => whole(seconds(random))) }),
      () => ({ written_by: 'service' }),
    ],
  },
  softDelete: undefined,
};

export const sides: Record<Side, WorkSide> = { legacy, service };

/** A whole row. */
export function newRow(table: WorkTable, random: Random): Record<string, Cell> {
  return Object.assign({}, ...table.parts.map((part) => part(random))) as Record<string, Cell>;
}

/** Some of a row's columns, at least one; the mark of who wrote it is always among them. */
export function someColumns(table: WorkTable, random: Random): Record<string, Cell> {
  const marks = table.parts.filter((part) => 'written_by' in part(random));
  const chosen = [random.pick(table.parts), ...table.parts.filter(() => random.chance(0.2)), ...marks];
  return Object.assign({}, ...chosen.map((part) => part(random))) as Record<string, Cell>;
}

function flagsOf(is_open: bigint, is_paid: bigint): Record<string, Cell> {
  return { is_open, is_paid };
}

function codeText(random: Random): string {
  return `${random.pick(['', 'x', 'É', '\u{1F600}'])}${random.below(40)}`;
}

/** Joined by a space, so the first holds none; without a first there is no last. */
function names(random: Random): Record<string, Cell> {
  if (random.chance(0.1)) return { first_name: null, last_name: null };
  return {
    first_name: random.pick(['', 'Ann', 'Zoë', 'NULL']),
    last_name: optional(random, () => text(random)),
  };
}

function brandAndModel(random: Random): Record<string, Cell> {
  if (random.chance(0.1)) return { brand: null, model: null };
  return { brand: random.pick(['', 'Fig', 'a/b', '👩‍🎤']), model: optional(random, () => text(random)) };
}
