import { originSetting } from '../stores/origin.ts';
import { literal, quoted } from '../stores/sql.ts';
import type { TableShape } from '../stores/store.ts';
import { type Captured, catalogTable, logTable } from './layout.ts';

/** The tables that capture needs. Images are JSON arrays of each value's text, which is exact for every type. */
export function logStatements(existing: TableShape | undefined): string[] {
  if (existing !== undefined) return [];
  return [
    `CREATE TABLE ${logTable} (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), ` +
      'id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT clock_timestamp(), ' +
      'tbl text NOT NULL, op text NOT NULL, old_key text, image text, PRIMARY KEY (xid, id))',
    `CREATE TABLE ${catalogTable} (tbl text PRIMARY KEY, key_columns text NOT NULL, columns text NOT NULL, ` +
      'had text NOT NULL, generation bigint NOT NULL)',
  ];
}

/** What is logged of a change where a captured column has been renamed: that there was one. */
export const unlogged = '?';

/**
 * A table's trigger function. Where a column is not there under its name, it says so in the log and lets the legacy
 * application go on: the feed stops there. It runs with the rights of who installed it, so that the legacy application's role needs
 * none on the log, and with settings of its own, so that no session's date style changes what is logged. What is logged of
 * a row is the row as it stands when the trigger runs, and not NEW: another trigger may have changed it again, and its own
 * entry may come before ours.
 * @param schemas of the log, and of the table.
 */
export function functionStatement(
  { table, key, columns }: Captured,
  { schema, of }: { schema: string; of: string },
): string {
  const image = (row: string, names: string[]) =>
    `json_build_array(${names.map((column) => `${row}.${quoted(column)}::text`).join(', ')})::text`;
  const log = `${quoted(schema)}.${logTable}`;
  const same = key.map((column) => `now.${quoted(column)} = NEW.${quoted(column)}`).join(' AND ');
  const now = `FROM ${quoted(of)}.${quoted(table)} AS now WHERE ${same}`;
  return `CREATE OR REPLACE FUNCTION ${functionName(table)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET intervalstyle = 'iso_8601'
SET bytea_output = 'hex' SET extra_float_digits = 1
AS $strangler$ BEGIN
  IF (SELECT count(*) FROM pg_attribute WHERE attrelid = TG_RELID AND NOT attisdropped
      AND attname IN (${columns.map(literal).join(', ')})) < ${columns.length} THEN
    INSERT INTO ${log} (tbl, op) VALUES (${literal(table)}, '${unlogged}');
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO ${log} (tbl, op, image) SELECT ${literal(table)}, 'I', ${image('now', columns)} ${now};
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO ${log} (tbl, op, old_key, image)
    VALUES (${literal(table)}, 'U', ${image('OLD', key)}, (SELECT ${image('now', columns)} ${now}));
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO ${log} (tbl, op, old_key) VALUES (${literal(table)}, 'D', ${image('OLD', key)});
  ELSE
    INSERT INTO ${log} (tbl, op) VALUES (${literal(table)}, 'T');
  END IF;
  RETURN NULL;
END $strangler$`;
}

export function functionName(table: string): string {
  return quoted(`strangler_log_${table}`);
}

/** The triggers of a table, by name. */
export function triggers({ table, columns }: Captured): Map<string, string> {
  const on = quoted(table);
  const run = `EXECUTE FUNCTION ${functionName(table)}()`;
  // As text: not every type can be compared (json cannot).
  const changed = columns
    .map((column) => `OLD.${quoted(column)}::text IS DISTINCT FROM NEW.${quoted(column)}::text`)
    .join(' OR ');
  // Here and not in the function: what feeds write would call it for every row to find that there is nothing to do.
  const notOurs = `coalesce(pg_catalog.current_setting('${originSetting}', true), '') = ''`;
  const made = {
    insert: `AFTER INSERT ON ${on} FOR EACH ROW WHEN (${notOurs}) ${run}`,
    update: `AFTER UPDATE ON ${on} FOR EACH ROW WHEN (${notOurs} AND (${changed})) ${run}`,
    delete: `AFTER DELETE ON ${on} FOR EACH ROW WHEN (${notOurs}) ${run}`,
    truncate: `AFTER TRUNCATE ON ${on} FOR EACH STATEMENT WHEN (${notOurs}) ${run}`,
  };
  return new Map(
    Object.entries(made).map(([what, rest]) => {
      const name = `strangler_${what}_${table}`;
      return [name, `CREATE TRIGGER ${quoted(name)} ${rest}`];
    }),
  );
}
