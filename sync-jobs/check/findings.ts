import type { Direction } from '../mapping/group.ts';
import { type Row, shownKey } from '../stores/value.ts';
import type { Finding, FindingKind } from './report.ts';
import { sentenceOf } from './sentences.ts';

/** What a row shows. */
export interface Shown {
  kind: FindingKind;
  field: string;
  key: Row;
  value: string;
  result: string;
}

/** How many different unlisted values are kept of one field. */
const mostValues = 1_000;

/** Findings of one table in one direction, counted by field and kind, each with the first row that showed it. */
export class Findings {
  readonly #table: string;
  readonly #direction: Direction;
  readonly #found = new Map<string, Shown & { count: number; values: Map<string, number> }>();

  constructor(table: string, direction: Direction) {
    this.#table = table;
    this.#direction = direction;
  }

  add(shown: Shown): void {
    const name = `${shown.field}\0${shown.kind}`;
    let known = this.#found.get(name);
    if (known === undefined) {
      known = { ...shown, count: 0, values: new Map() };
      this.#found.set(name, known);
    }
    known.count += 1;
    if (shown.kind !== 'unlisted' && shown.kind !== 'declared-loss') return;
    if (known.values.has(shown.value) || known.values.size < mostValues) {
      known.values.set(shown.value, (known.values.get(shown.value) ?? 0) + 1);
    }
  }

  all(): Finding[] {
    return [...this.#found.values()].map(({ values, key, ...shown }) => {
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
}

function mostFrequent(values: Map<string, number>): { value: string; count: number }[] {
  return [...values]
    .map(([value, count]) => ({ value, count }))
    .sort((left, right) => right.count - left.count)
    .slice(0, 20);
}
