import { type Installed, readCatalog } from '../capture/layout.ts';
import type { SourceTable } from '../mapping/plan.ts';
import type { Session } from '../stores/store.ts';
import { missingCapture } from './missing-capture.ts';

/** How the logged images of one table are read. */
export interface Reader {
  source: SourceTable;
  installed: Installed;
  /** Where each of the source's columns is among the logged ones. */
  at: number[];
}

/**
 * The readers of some tables, by the table's name.
 * @throws Failure `capture_missing` where a table, or a column that is needed of it, is not logged.
 */
export async function readersOf(session: Session, tables: SourceTable[]): Promise<Map<string, Reader>> {
  const catalog = await readCatalog(session, true);
  return new Map(
    tables.map((source) => {
      const installed = catalog.get(source.table);
      const at = source.columns.map((column) => installed?.columns.indexOf(column) ?? -1);
      if (installed === undefined || at.includes(-1)) throw missingCapture(source.table);
      return [source.table, { source, installed, at }];
    }),
  );
}

/** The numbers under which triggers capture the tables, as one text. */
export async function generationOf(session: Session, tables: string[]): Promise<string> {
  const catalog = await readCatalog(session, true);
  return tables.map((table) => `${table}:${catalog.get(table)?.generation ?? 'none'}`).join(' ');
}
