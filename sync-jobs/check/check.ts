import { declarationFaults, type Fault, fieldsOf } from '../mapping/declaration-faults.ts';
import { legacyColumns, serviceColumns } from '../mapping/fields.ts';
import { bySync, type GroupDeclaration, keyOf, type TableDeclaration } from '../mapping/group.ts';
import type { Shapes } from '../mapping/plan.ts';
import { schemaFaults } from '../mapping/schema-faults.ts';
import { twoWay } from '../mapping/two-way.ts';
import type { Store } from '../stores/store.ts';
import { type Limit, readLimits } from './limits.ts';
import { keyPart, type Part, partOf } from './measure.ts';
import type { CheckOptions, CheckReport, TableReport } from './report.ts';
import { readThrough } from './rows.ts';
import { rulesOf } from './rules.ts';
import { Seen } from './seen.ts';
import { fieldReports, keyName, type Limits } from './verdicts.ts';
import { finerTimes, keyOrder } from './warnings.ts';

/**
 * What a group's declaration does to the rows that are there. Reads only. What the declaration or the tables refuse comes
 * first, all reasons at once; every table without such a reason is then read in full, on both sides, and of each field
 * is said what the types prove, what the rows showed, and what they refute.
 */
export async function checkGroup(
  group: GroupDeclaration,
  legacyStore: Store,
  serviceStore: Store,
  options: CheckOptions = {},
): Promise<CheckReport> {
  const faults: Fault[] = declarationFaults([group]);
  const tables: { table: TableDeclaration; shapes: Shapes }[] = [];
  for (const table of group.tables) {
    const where = { group: group.name, table: `${table.from} -> ${table.to}` };
    const legacy = await legacyStore.shape(table.from);
    const service = await serviceStore.shape(table.to);
    if (legacy === undefined)
      faults.push({ ...where, reason: `${legacyStore.place} has no table ${table.from}` });
    if (service === undefined)
      faults.push({ ...where, reason: `${serviceStore.place} has no table ${table.to}` });
    if (legacy === undefined || service === undefined) continue;
    faults.push(...schemaFaults(group.name, table, { legacy, service }));
    tables.push({ table, shapes: { legacy, service } });
  }
  const refused = new Set(faults.map(({ table }) => table));
  const seen = new Seen();
  const reports: TableReport[] = [];
  try {
    const sound = tables.filter(({ table }) => !refused.has(`${table.from} -> ${table.to}`));
    const measured = new Set(sound.map(({ table }) => `${table.from} -> ${table.to}`));
    for (const { table, shapes } of sound) {
      reports.push(
        await checkTable({ group, measured, table, shapes, legacyStore, serviceStore, seen, options }),
      );
    }
  } finally {
    seen.close();
  }
  return {
    group: group.name,
    sound:
      faults.length === 0 &&
      reports.every(({ findings }) => findings.every(({ kind }) => kind === 'declared-loss')),
    faults,
    tables: reports,
    ...(options.rows === undefined ? {} : { limitedTo: options.rows }),
  };
}

interface Checked {
  group: GroupDeclaration;
  measured: ReadonlySet<string>;
  table: TableDeclaration;
  shapes: Shapes;
  legacyStore: Store;
  serviceStore: Store;
  seen: Seen;
  options: CheckOptions;
}

async function checkTable(checked: Checked): Promise<TableReport> {
  const { group, measured, table, shapes, legacyStore, serviceStore, seen, options } = checked;
  const limits = {
    legacy: await legacyStore.snapshot((session) =>
      readLimits(session, legacyStore.dialect, table.from, shapes.legacy),
    ),
    service: await serviceStore.snapshot((session) =>
      readLimits(session, serviceStore.dialect, table.to, shapes.service),
    ),
  };
  const parts = partsOf(table, shapes, limits);
  const common = { group, measured, seen, options, label: `${table.from} -> ${table.to}` };
  const toService = await rulesOf({
    ...common,
    store: serviceStore,
    side: 'service',
    table: table.to,
    shape: shapes.service,
    limits: limits.service,
    parts: parts.forward,
    fixed: table.writtenBy === undefined ? [] : [[table.writtenBy, bySync]],
  });
  const toLegacy = await rulesOf({
    ...common,
    store: legacyStore,
    side: 'legacy',
    table: table.from,
    shape: shapes.legacy,
    limits: limits.legacy,
    parts: parts.back,
    fixed: [],
  });
  const forward = await readThrough({
    ...common,
    store: legacyStore,
    direction: 'forward',
    source: { table: table.from, shape: shapes.legacy, columns: parts.forwardColumns },
    key: keyOf(table).map(({ from }) => from),
    absent: table.absentWhenSet,
    parts: parts.forward,
    rules: toService,
    target: { store: serviceStore, limits: limits.service },
  });
  const back = await readThrough({
    ...common,
    store: serviceStore,
    direction: 'back',
    source: { table: table.to, shape: shapes.service, columns: parts.backColumns },
    key: keyOf(table).map(({ to }) => to),
    absent: undefined,
    parts: parts.back,
    rules: toLegacy,
    target: { store: legacyStore, limits: limits.legacy },
  });
  const conditioned = { legacy: toLegacy.conditioned, service: toService.conditioned };
  return {
    from: table.from,
    to: table.to,
    legacyRows: forward.rows,
    absentRows: forward.absent,
    serviceRows: back.rows,
    fields: fieldReports(table, limits, conditioned, forward, back),
    findings: [...forward.findings, ...back.findings],
    warnings: [
      ...finerTimes(table, limits.legacy),
      ...(await keyOrder(table, 'legacy', legacyStore, shapes.legacy)),
      ...(await keyOrder(table, 'service', serviceStore, shapes.service)),
    ],
    unmapped: unmappedOf(table, shapes),
    unasked: [...forward.unasked, ...back.unasked],
  };
}

function partsOf(table: TableDeclaration, shapes: Shapes, limits: Limits) {
  const key = keyOf(table);
  const owned = table.owned.map((field) => ({ field, run: twoWay(field, shapes.legacy) }));
  const reference = (table.reference ?? []).map((field) => ({ field, run: twoWay(field, shapes.legacy) }));
  const toService = [...owned.filter(({ run }) => !run.backOnly), ...reference];
  const toLegacy = owned.filter(({ run }) => !run.forwardOnly);
  const forwardColumns = unique([
    ...key.map(({ from }) => from),
    ...toService.flatMap(({ run }) => run.legacy),
    ...(table.absentWhenSet === undefined ? [] : [table.absentWhenSet]),
  ]);
  const backColumns = unique([...key.map(({ to }) => to), ...toLegacy.flatMap(({ run }) => run.service)]);
  const forwardLimits = { source: limits.legacy, target: limits.service };
  const backLimits = { source: limits.service, target: limits.legacy };
  const keyParts = (here: 'from' | 'to', source: Map<string, Limit>, target: Map<string, Limit>): Part[] =>
    key.map((column, index) => {
      const there = here === 'from' ? 'to' : 'from';
      return keyPart(index, keyName(column), source.get(column[here])!, target.get(column[there])!);
    });
  return {
    forwardColumns,
    backColumns,
    forward: [
      ...keyParts('from', limits.legacy, limits.service),
      ...toService.map(({ field, run }) => {
        const returns = !run.forwardOnly && owned.some((one) => one.field === field);
        return partOf(field, run, 'forward', forwardColumns, forwardLimits, returns);
      }),
    ],
    back: [
      ...keyParts('to', limits.service, limits.legacy),
      ...toLegacy.map(({ field, run }) => partOf(field, run, 'back', backColumns, backLimits, !run.backOnly)),
    ],
  };
}

function unmappedOf(table: TableDeclaration, { legacy, service }: Shapes): TableReport['unmapped'] {
  const key = keyOf(table);
  const fromLegacy = new Set([
    ...key.map(({ from }) => from),
    table.absentWhenSet,
    ...fieldsOf(table).flatMap(legacyColumns),
  ]);
  const inService = new Set([
    ...key.map(({ to }) => to),
    table.writtenBy,
    ...fieldsOf(table).flatMap(serviceColumns),
  ]);
  return {
    legacy: [...legacy.columns.keys()].filter((column) => !fromLegacy.has(column)),
    service: [...service.columns.keys()].filter((column) => !inService.has(column)),
  };
}

function unique(names: string[]): string[] {
  return [...new Set(names)];
}
