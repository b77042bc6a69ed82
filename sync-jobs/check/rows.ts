import { Failure } from '@strangler-fig/kernel/failure';
import { readRange } from '../feed/range.ts';
import type { Direction } from '../mapping/group.ts';
import { quoted } from '../stores/sql.ts';
import type { Store, TableShape } from '../stores/store.ts';
import { type Row, shownKey } from '../stores/value.ts';
import { breaking, type Made } from './constraints.ts';
import { Findings } from './findings.ts';
import type { Limit } from './limits.ts';
import { measureRow, type Part, type Rules } from './measure.ts';
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
  await nullKeys(through, findings);
  const unasked = new Map<string, string>();
  let [rows, absent] = [0, 0];
  let after: Row | undefined;
  while (rows < most) {
    signal?.throwIfAborted();
    const limit = Math.min(chunkRows, most - rows);
    const range = { after, limit };
    const chunk = await store.snapshot((session) => readRange(session, store.dialect, readable, range));
    const made = chunk.flatMap((row) => {
      const at = row.slice(0, key.length);
      const isAbsent = absentAt !== -1 && row[absentAt] !== null;
      return isAbsent ? [] : [{ key: at, values: measureRow(row, at, parts, rules, findings, seen) }];
    });
    absent += chunk.length - made.length;
    await askConstraints(through, made, findings, unasked);
    rows += chunk.length;
    onProgress?.({ table: source.table, rows });
    after = chunk.at(-1)?.slice(0, key.length);
    if (chunk.length < limit || after === undefined || after.includes(null)) break;
  }
  return { rows, absent, findings: findings.all(), unasked: [...unasked.values()] };
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
        const filled = parts.filter((part) => part.target.some(({ column }) => columns.includes(column)));
        const field = filled.map(({ name }) => name).join(', ') || columns.join(', ');
        findings.add({ kind, field, key: made[place]!.key, value, result: says });
      }
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'store_unavailable') throw error;
      unasked.set(expression, `${says}: ${error.message}`);
    }
  }
}

/** SQLite lets NULL into a key of several columns or of text; no order reaches such a row, and no change names it. */
async function nullKeys({ store, source, key }: Through, findings: Findings): Promise<void> {
  if (store.dialect === 'postgres') return;
  const anyNull = key.map((column) => `${quoted(column)} IS NULL`).join(' OR ');
  const columns = key.map(quoted).join(', ');
  const rows = await store.snapshot((session) =>
    session.query(`SELECT ${columns} FROM ${quoted(source.table)} WHERE ${anyNull} LIMIT 1000`),
  );
  const result = 'a row without a key cannot be followed';
  for (const row of rows)
    findings.add({ kind: 'null', field: key.join(', '), key: row, value: 'NULL', result });
}
