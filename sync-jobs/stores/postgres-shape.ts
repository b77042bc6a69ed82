import { typeClass } from './postgres-types.ts';
import { quoted } from './sql.ts';
import type { Session, TableShape } from './store.ts';

/** A table of PostgreSQL, as far as a mapping and triggers need to know it. */
export async function readShape(session: Session, table: string): Promise<TableShape | undefined> {
  const columns = await session.query(columnsSql, [quoted(table)]);
  if (columns.length === 0) return undefined;
  const indexes = await session.query(indexesSql, [quoted(table)]);
  const references = await session.query(referencesSql, [quoted(table)]);
  const names = (text: unknown) => JSON.parse(String(text)) as string[];
  return {
    columns: new Map(
      columns.map(([name, declared, nullable, filledByDefault]) => [
        String(name),
        {
          name: String(name),
          declared: String(declared),
          type: typeClass(String(declared)),
          nullable: nullable === 1n,
          filledByDefault: filledByDefault === 1n,
        },
      ]),
    ),
    unique: indexes.map(([list]) => names(list)),
    primaryKey: names(indexes.find(([, primary]) => primary === 1n)?.[0] ?? '[]'),
    refersTo: [...new Set(references.map(([name]) => String(name)))],
    referring: new Set(references.flatMap(([, list]) => names(list))),
    guarded: (await session.query(guardedSql, [quoted(table)])).map(([list]) => names(list)),
    collisions: [],
  };
}

// The type without its length, -1: `character` alone would mean a length of 1, and a cast to it cuts without a word.
const columnsSql = `
  SELECT a.attname, format_type(a.atttypid, -1), (NOT a.attnotnull)::int,
    (a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '')::int
  FROM pg_attribute a
  WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`;

const indexesSql = `
  SELECT (SELECT json_agg(a.attname ORDER BY k.ordinality)::text
      FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, ordinality)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE k.ordinality <= i.indnkeyatts), i.indisprimary::int
  FROM pg_index i
  WHERE i.indrelid = to_regclass(?) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  ORDER BY i.indisprimary DESC, i.indexrelid`;

// What an index with an expression or a condition rests on is known as dependencies alone.
const guardedSql = `
  SELECT json_agg(DISTINCT a.attname)::text
  FROM pg_index i
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
  WHERE i.indrelid = to_regclass(?) AND i.indisunique AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
  GROUP BY i.indexrelid ORDER BY i.indexrelid`;

const referencesSql = `
  SELECT c.relname, (SELECT json_agg(a.attname)::text FROM pg_attribute a
      WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey))
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
  WHERE k.contype = 'f' AND k.conrelid = to_regclass(?)`;
