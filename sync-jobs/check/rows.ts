import { Failure } from '@strangler-fig/kernel/failure';
import { readRange } from '../feed/range.ts';
import type { Direction } from '../mapping/group.ts';
import type { Store, TableShape } from '../stores/store.ts';
import { type Row, shownKey } from '../stores/value.ts';
import { breaking, type Made } from './constraints.ts';
import { type Broken, Findings, type Shown } from './findings.ts';
import type { Limit } from './limits.ts';
import { filling, measureRow, type Part, type Rules } from './measure.ts';
import type { CheckOptions, Finding } from './report.ts';
import type { Seen } from './seen.ts';

/** One table, in one direction. */
export interface Through {
  store: Store;
  direction: Direction;
  /** Legacy table -> service table. */
  label: string;
  source: { table: string; shape: TableShape; columns: string[] };
  key: string[];
  /** A row has no counterpart where this column is set. */
  absent: string | undefined;
  parts: Part[];
  rules: Rules;
  target: { store: Store; limits: Map<string, Limit> };
  seen: Seen;
  options: CheckOptions;
}

export interface Counted {
  rows: number;
  absent: number;
  findings: Finding[];
  /** How many rows break something of a field. */
  broken(field: string, what: Broken): number;
  /** Constraints that could not be asked, and why. */
  unasked: string[];
}

/** Reads a table in the order of its key and measures every row. */
export async function readThrough(through: Through): Promise<Counted> {
  const { store, direction, label, source, key, parts, seen, options } = through;
  const { chunkRows = 1_000, rows: most = Number.POSITIVE_INFINITY, signal, onProgress } = options;
  const findings = new Findings(label, direction);
  // Where only some rows are read, one that is referred to may be among the others.
  const rules = most === Number.POSITIVE_INFINITY ? through.rules : { ...through.rules, references: [] };
  const absentAt = through.absent === undefined ? -1 : source.columns.indexOf(through.absent);
  const types = source.columns.map((column) => source.shape.columns.get(column)!.type);
  const readable = { table: source.table, key, columns: source.columns, types };
  const unasked = new Map(rules.unasked.map((line) => [line, line]));
  let [rows, absent] = [0, 0];
  let place: { after: Row | undefined; offset: number } = { after: undefined, offset: 0 };
  while (rows < most) {
    signal?.throwIfAborted();
    const limit = Math.min(chunkRows, most - rows);
    const range = { ...place, limit };
    const chunk = await store.snapshot((session) => readRange(session, store.dialect, readable, range));
    const made: { key: Row; values: Made }[] = [];
    for (const row of chunk) {
      const at = row.slice(0, key.length);
      if (absentAt !== -1 && row[absentAt] !== null) absent += 1;
      else if (at.includes(null)) findings.add(withoutKey(at, parts));
      else made.push({ key: at, values: measureRow(row, at, parts, rules, findings, seen) });
    }
    await askConstraints(through, made, findings, unasked);
    findings.endChunk();
    rows += chunk.length;
    onProgress?.({ table: source.table, rows });
    const last = chunk.at(-1)?.slice(0, key.length);
    if (chunk.length < limit || last === undefined) break;
    // Nothing is after a key with NULL, as databases compare; the rows since the last whole key are counted instead.
    place = last.includes(null)
      ? { after: place.after, offset: place.offset + chunk.length }
      : { after: last, offset: 0 };
  }
  return {
    rows,
    absent,
    findings: findings.all(),
    broken: (field, what) => findings.broken(field, what),
    unasked: [...unasked.values()],
  };
}

/** SQLite lets NULL into a key of several columns or of text; no change names such a row. */
function withoutKey(key: Row, parts: Part[]): Shown {
  const fields = parts
    .filter(({ field }) => field === 'key')
    .map(({ name }) => name)
    .filter((_, index) => key[index] === null);
  const result = 'a row without a key cannot be followed';
  return { kind: 'null', field: fields.join(', '), fields, key, value: 'NULL', result };
}

/** Asks the target's database which of the values break its constraints. One that cannot be asked is told, and no reason to stop. */
async function askConstraints(
  { target, rules, parts }: Through,
  made: { key: Row; values: Made }[],
  findings: Findings,
  unasked: Map<string, string>,
): Promise<void> {
  const rows = made.map(({ values }) => values);
  for (const constraint of rules.constraints) {
    const { kind, columns, expression, says } = constraint;
    if (unasked.has(expression)) continue;
    const { store, limits } = target;
    try {
      const places = await store.snapshot((session) =>
        breaking(session, store.dialect, constraint, rows, limits),
      );
      for (const place of places) {
        const value = shownKey(columns.map((column) => rows[place]!.get(column)!));
        const fields = filling(parts, columns);
        const field = fields.join(', ') || columns.join(', ');
        findings.add({ kind, field, fields, key: made[place]!.key, value, result: says });
      }
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'store_unavailable') throw error;
      unasked.set(expression, `${says}: ${error.message}`);
    }
  }
}
