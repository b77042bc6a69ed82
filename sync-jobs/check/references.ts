import { quoted } from '../stores/sql.ts';
import type { Dialect, Session } from '../stores/store.ts';

/** A foreign key of a table. */
export interface Reference {
  columns: string[];
  table: string;
  /** The columns that are referred to. */
  to: string[];
}

/** The foreign keys of a table. */
export async function readReferences(
  session: Session,
  dialect: Dialect,
  table: string,
): Promise<Reference[]> {
  const rows =
    dialect === 'sqlite'
      ? await session.query(
          `SELECT f.id, f."table", f."from", coalesce(f."to", p.name) FROM pragma_foreign_key_list(?) f
           LEFT JOIN pragma_table_info(f."table") p ON f."to" IS NULL AND p.pk = f.seq + 1 ORDER BY f.id, f.seq`,
          [table],
        )
      : await session.query(
          `SELECT k.oid::text, c.relname, a.attname, b.attname FROM pg_constraint k
           JOIN pg_class c ON c.oid = k.confrelid
           CROSS JOIN unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair (one, other, place)
           JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.one
           JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.other
           WHERE k.contype = 'f' AND k.conrelid = to_regclass(?) ORDER BY k.oid, pair.place`,
          [quoted(table)],
        );
  const references = new Map<string, Reference>();
  for (const [id, to, column, other] of rows) {
    const known = references.get(String(id)) ?? { columns: [], table: String(to), to: [] };
    known.columns.push(String(column));
    known.to.push(String(other));
    references.set(String(id), known);
  }
  return [...references.values()];
}
