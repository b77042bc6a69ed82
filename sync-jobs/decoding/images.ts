import { Failure } from '@strangler-fig/kernel/failure';
import type { Change } from '../changes/change.ts';
import { missingCapture } from '../changes/missing-capture.ts';
import type { SourceTable } from '../mapping/plan.ts';
import { fromText } from '../stores/postgres-types.ts';
import { keyText, type Row } from '../stores/value.ts';
import type { Tuple } from './pgoutput.ts';
import type { Logged } from './reading.ts';
import type { Slot } from './slot.ts';

/**
 * A reader for each table, by its name.
 * @throws Failure `capture_missing` where the group's slot was not made for what is asked for.
 */
export function readersOf(slot: Slot, tables: SourceTable[]): Map<string, Reader> {
  return new Map(
    tables.map((source) => {
      const decoded = slot.tables.get(source.table);
      const lacks = source.columns.some((column) => !decoded?.columns.includes(column));
      if (decoded === undefined || lacks || decoded.key.join() !== source.key.join()) {
        throw missingCapture(source.table);
      }
      return [source.table, new Reader(source)];
    }),
  );
}

/** A table of a feed and where its columns are in what a slot says; found once for each form that the table had. */
class Reader {
  readonly source: SourceTable;
  readonly #places = new WeakMap<string[], number[]>();

  constructor(source: SourceTable) {
    this.source = source;
  }

  /** What was done to a row, as a feed carries it over. */
  change({ id, message, relations }: Logged): Change {
    const { source } = this;
    const base = { table: source.table, id, truncated: message.kind === 'truncate' };
    if (message.kind === 'truncate') return { ...base, oldKey: undefined, row: undefined };
    const at = this.#at(relations[0]!.columns);
    if (message.kind === 'insert') return { ...base, oldKey: undefined, row: this.#row(at, message.row) };
    const { old } = message;
    if (message.kind === 'delete') {
      return { ...base, oldKey: this.#row(at.slice(0, source.key.length), message.old.row), row: undefined };
    }
    const row = this.#row(at, message.row, old?.whole ? old.row : undefined);
    if (old === undefined) return { ...base, oldKey: undefined, row };
    const oldKey = this.#row(at.slice(0, source.key.length), old.row);
    const moved = keyText(oldKey) !== keyText(row.slice(0, source.key.length));
    return { ...base, oldKey: moved ? oldKey : undefined, row };
  }

  /** The keys that a row had before and after. */
  keys(logged: Logged): Row[] {
    const { oldKey, row } = this.change(logged);
    return [oldKey, row?.slice(0, this.source.key.length)].filter((key) => key !== undefined);
  }

  #at(columns: string[]): number[] {
    let at = this.#places.get(columns);
    if (at === undefined) {
      at = this.source.columns.map((column) => columns.indexOf(column));
      if (at.includes(-1)) throw missingCapture(this.source.table);
      this.#places.set(columns, at);
    }
    return at;
  }

  #row(at: number[], tuple: Tuple, before?: Tuple): Row {
    return at.map((place, index) => {
      const text = tuple[place] === undefined ? before?.[place] : tuple[place];
      if (text === undefined) throw this.#unknown(this.source.columns[index]!);
      return fromText(text, this.source.types[index]!);
    });
  }

  #unknown(column: string): Failure {
    const { table } = this.source;
    return new Failure(
      'capture_missing',
      `A change of ${table} came without ${column}, which is stored out of line.`,
      {
        hint: `Its REPLICA IDENTITY is not FULL any more. Run \`fig sync install\`; ${table} is copied anew then.`,
      },
    );
  }
}
