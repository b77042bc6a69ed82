import { expect } from 'vitest';
import { copy } from '../../mapping/fields.ts';
import { defineGroup, type GroupDeclaration, type TableDeclaration } from '../../mapping/group.ts';
import type { Dialect, TestDatabase } from '../databases.ts';
import { openPair, type StorePair } from '../store-pair.ts';

const types: Record<string, Record<Dialect, string>> = {
  integer: { sqlite: 'INTEGER', postgres: 'bigint' },
  text: { sqlite: 'TEXT', postgres: 'text' },
  bytes: { sqlite: 'BLOB', postgres: 'bytea' },
  real: { sqlite: 'REAL', postgres: 'double precision' },
  decimal: { sqlite: 'NUMERIC', postgres: 'numeric' },
  boolean: { sqlite: 'BOOLEAN', postgres: 'boolean' },
};

/** A table that is the same in both dialects. */
export interface TrapTable {
  name: string;
  /** By name: a kind from the list above and what follows it, `text NOT NULL UNIQUE`. */
  columns: Record<string, string>;
  /** The first column unless given. */
  key?: string[];
  constraints?: string[];
  /** More statements after it: indexes. */
  more?: string[];
}

export function createTable(database: TestDatabase, table: TrapTable): Promise<void> {
  const columns = Object.entries(table.columns).map(([name, spec]) => {
    const [kind, ...rest] = spec.split(' ');
    return `${name} ${types[kind!]?.[database.dialect] ?? kind} ${rest.join(' ')}`;
  });
  const key = `PRIMARY KEY (${keyOf(table).join(', ')})`;
  const body = [...columns, key, ...(table.constraints ?? [])].join(', ');
  return database.script([`CREATE TABLE ${table.name} (${body})`, ...(table.more ?? [])].join(';\n'));
}

export function keyOf({ key, columns }: TrapTable): string[] {
  return key ?? [Object.keys(columns)[0]!];
}

/** Every column of every table, copied under its own name. */
export function mirror(tables: TrapTable[], different: Partial<TableDeclaration> = {}): GroupDeclaration {
  return defineGroup({
    name: 'trap',
    tables: tables.map((table) => ({
      from: table.name,
      to: table.name,
      key: keyOf(table).map((name) => ({ from: name, to: name })),
      owned: Object.keys(table.columns)
        .filter((name) => !keyOf(table).includes(name))
        .map((name) => copy(name)),
      ...different,
    })),
  });
}

export interface MirrorPair extends StorePair {
  /** Both databases hold the same, asked with the test's own drivers. */
  expectEqual(): Promise<void>;
  /** Carries everything over and compares. */
  follow(): Promise<void>;
}

/** Two databases with the same tables; `targets` where the service's tables are different ones. */
export async function openMirror(
  pair: [Dialect, Dialect],
  tables: TrapTable[],
  options: { targets?: TrapTable[]; feed?: Parameters<StorePair['feed']>[1] } = {},
): Promise<MirrorPair> {
  const make = (list: TrapTable[]) => async (database: TestDatabase) => {
    for (const table of list) await createTable(database, table);
  };
  const opened = await openPair(mirror(tables), pair, {
    legacy: make(tables),
    service: make(options.targets ?? tables),
  });
  const expectEqual = async () => {
    for (const table of tables) {
      expect(await contents(opened.service, table)).toEqual(await contents(opened.legacy, table));
    }
  };
  return {
    ...opened,
    expectEqual,
    async follow() {
      await opened.drain(opened.feed('forward', options.feed));
      await expectEqual();
    },
  };
}

/** A table's rows in the order of the key, every value as text that both dialects spell alike. */
export async function contents(database: TestDatabase, table: TrapTable): Promise<(string | null)[][]> {
  const names = Object.keys(table.columns);
  const kinds = names.map((name) => table.columns[name]!.split(' ')[0]!);
  const shown = names.map((name, index) => `${expression(database.dialect, name, kinds[index]!)} AS ${name}`);
  const rows = await database.query(`SELECT ${shown.join(', ')} FROM ${table.name}`);
  const plain = rows.map((row) => names.map((name, index) => spelled(row[name] ?? null, kinds[index]!)));
  const at = keyOf(table).map((name) => names.indexOf(name));
  const sortKey = (row: (string | null)[]) => JSON.stringify(at.map((index) => row[index]));
  return plain.sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1));
}

/** Text and blobs as hexadecimal, with SQLite's own idea of what the value is. */
function expression(dialect: Dialect, name: string, kind: string): string {
  if (kind === 'text') {
    return dialect === 'sqlite'
      ? `typeof(${name}) || ':' || hex(CAST(${name} AS BLOB))`
      : `'text:' || upper(encode(convert_to(${name}, 'UTF8'), 'hex'))`;
  }
  if (kind === 'bytes') {
    return dialect === 'sqlite'
      ? `typeof(${name}) || ':' || hex(${name})`
      : `'blob:' || upper(encode(${name}, 'hex'))`;
  }
  return name;
}

function spelled(value: string | null, kind: string): string | null {
  if (kind === 'text' || kind === 'bytes') return value === null || value.startsWith('null:') ? null : value;
  if (value === null) return null;
  if (kind === 'boolean') return { t: '1', f: '0' }[value] ?? value;
  if (kind === 'real') return Object.is(Number(value), -0) ? '-0' : String(Number(value));
  if (kind === 'decimal') return String(Number(value));
  return value;
}

/** Inserts rows given as objects. */
export async function insert(
  database: Pick<TestDatabase, 'query'>,
  table: string,
  ...rows: Record<string, unknown>[]
): Promise<void> {
  for (const row of rows) {
    const names = Object.keys(row);
    await database.query(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      ...Object.values(row),
    );
  }
}
