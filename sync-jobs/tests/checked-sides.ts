import { expect } from 'vitest';
import { checkGroup } from '../check/check.ts';
import type { CheckOptions, CheckReport, Finding } from '../check/report.ts';
import type { Field } from '../mapping/fields.ts';
import type { GroupDeclaration, TableDeclaration } from '../mapping/group.ts';
import { openStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { parseDatabaseUrl } from '../stores/url.ts';
import { type Dialect, freshDatabase, type TestDatabase } from './databases.ts';

/** Two databases with stores upon them. */
export interface Sides {
  legacy: TestDatabase;
  service: TestDatabase;
  check(group: GroupDeclaration, options?: CheckOptions): Promise<CheckReport>;
  close(): Promise<void>;
}

export async function openSides(from: Dialect, to: Dialect): Promise<Sides> {
  const legacy = await freshDatabase(from);
  const service = await freshDatabase(to);
  const stores: Store[] = [legacy, service].map(({ url }) => openStore(parseDatabaseUrl(url, 'TEST')));
  return {
    legacy,
    service,
    check: (group, options) => checkGroup(group, stores[0]!, stores[1]!, options),
    async close() {
      for (const store of stores) await store.close();
      await legacy.drop();
      await service.drop();
    },
  };
}

/** One table of one field beside its key. */
export function shop(owned: Field[], more: Partial<TableDeclaration> = {}): GroupDeclaration {
  return {
    name: 'shop',
    tables: [{ from: 'old', to: 'new', key: { from: 'id', to: 'id' }, owned, ...more }],
  };
}

/** What a check found, in short. */
export function found(report: CheckReport): Partial<Finding>[] {
  expect(report.faults).toEqual([]);
  return report.tables
    .flatMap(({ findings }) => findings)
    .map(({ kind, direction, field, count, key }) => ({ kind, direction, field, count, key }));
}
