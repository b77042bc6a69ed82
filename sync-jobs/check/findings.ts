import type { Direction } from '../mapping/group.ts';
import { type Row, shownKey } from '../stores/value.ts';
import type { Finding, FindingKind } from './report.ts';
import { sentenceOf } from './sentences.ts';

/** What a row shows. */
export interface Shown {
  kind: FindingKind;
  field: string;
  fields: string[];
  /** Of one row always the same array, by which the row is counted once. */
  key: Row;
  value: string;
  result: string;
}

/**
 * What a row breaks of a field: `carried` where the value did not go over as it has to, `returned` where it did and did not
 * come back, `either` for anything but a loss that the declaration says.
 */
export type Broken = 'carried' | 'returned' | 'either';

/** Kinds that say that a value went over well, and did not come back. */
const returning = new Set<FindingKind>(['not-restored', 'time-cut', 'declared-loss']);

/** How many different unlisted values are kept of one field. */
const mostValues = 1_000;

/** Findings of one table in one direction, by field and kind, each with the first row that showed it. */
export class Findings {
  readonly #table: string;
  readonly #direction: Direction;
  readonly #found = new Map<string, Shown & { count: number; last: Row; values: Map<string, number> }>();
  readonly #broken = new Map<string, number>();
  /** Rows of the chunk that is read, by what of which field they break. */
  readonly #rows = new Map<string, Set<Row>>();

  constructor(table: string, direction: Direction) {
    this.#table = table;
    this.#direction = direction;
  }

  add(shown: Shown): void {
    // Two conditions on one field are two findings.
    const which = shown.kind === 'constraint' || shown.kind === 'orphan' ? shown.result : '';
    const name = `${shown.field}\0${shown.kind}\0${which}`;
    const before = this.#found.get(name);
    const known = before ?? { ...shown, count: 1, last: shown.key, values: new Map<string, number>() };
    if (before === undefined) this.#found.set(name, known);
    else if (before.last !== shown.key) before.count += 1;
    known.last = shown.key;
    for (const field of shown.fields) {
      this.#mark(field, returning.has(shown.kind) ? 'returned' : 'carried', shown.key);
      if (shown.kind !== 'declared-loss') this.#mark(field, 'either', shown.key);
    }
    if (shown.kind !== 'unlisted' && shown.kind !== 'declared-loss') return;
    if (known.values.has(shown.value) || known.values.size < mostValues) {
      known.values.set(shown.value, (known.values.get(shown.value) ?? 0) + 1);
    }
  }

  /** Counts the rows of a chunk, of which nothing more will be added. */
  endChunk(): void {
    for (const [name, rows] of this.#rows) this.#broken.set(name, (this.#broken.get(name) ?? 0) + rows.size);
    this.#rows.clear();
  }

  /** How many rows of ended chunks break a field, each counted once. */
  broken(field: string, what: Broken): number {
    return this.#broken.get(`${field}\0${what}`) ?? 0;
  }

  all(): Finding[] {
    return [...this.#found.values()].map(({ values, key, last: _, ...shown }) => {
      const finding = {
        ...shown,
        direction: this.#direction,
        table: this.#table,
        key: shownKey(key),
        ...(values.size === 0 ? {} : { values: mostFrequent(values) }),
      };
      return { ...finding, sentence: sentenceOf(finding) };
    });
  }

  #mark(field: string, what: Broken, row: Row): void {
    const name = `${field}\0${what}`;
    const rows = this.#rows.get(name);
    if (rows === undefined) this.#rows.set(name, new Set([row]));
    else rows.add(row);
  }
}

function mostFrequent(values: Map<string, number>): { value: string; count: number }[] {
  return [...values]
    .map(([value, count]) => ({ value, count }))
    .sort((left, right) => right.count - left.count)
    .slice(0, 20);
}
