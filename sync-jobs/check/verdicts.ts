import { fieldsOf } from '../mapping/declaration-faults.ts';
import { type Field, fieldName, legacyColumns, serviceColumns } from '../mapping/fields.ts';
import { type KeyColumn, keyOf, type TableDeclaration } from '../mapping/group.ts';
import type { Limit } from './limits.ts';
import { proofOf, within } from './proof.ts';
import type { FieldReport, Verdict } from './report.ts';
import type { Counted } from './rows.ts';

/** What the columns of both tables can hold. */
export type Limits = Record<'legacy' | 'service', Map<string, Limit>>;

/** What is known of each field of a table. */
export function fieldReports(
  table: TableDeclaration,
  limits: Limits,
  conditioned: Record<'legacy' | 'service', ReadonlySet<string>>,
  forward: Counted,
  back: Counted,
): FieldReport[] {
  const report = (
    field: Pick<FieldReport, 'field' | 'kind' | 'role'>,
    proof: { forward: boolean; back: boolean },
    written: { forward: boolean; back: boolean },
    reason?: string,
  ): FieldReport => ({
    ...field,
    forward: written.forward ? verdictOf(field.field, proof.forward, forward) : notWritten,
    back: written.back ? returnOf(field.field, proof, forward, back) : notWritten,
    ...(reason === undefined ? {} : { reason }),
  });
  // What another condition than a type decides is measured.
  const free = (proof: { forward: boolean; back: boolean }, legacy: string[], service: string[]) => ({
    forward: proof.forward && !service.some((column) => conditioned.service.has(column)),
    back: proof.back && !legacy.some((column) => conditioned.legacy.has(column)),
  });
  const keys = keyOf(table).map((column) => {
    const [from, to] = [limits.legacy.get(column.from)!, limits.service.get(column.to)!];
    const types = { forward: within(from, to), back: within(to, from) };
    const proof = free(types, [column.from], [column.to]);
    return report({ field: keyName(column), kind: 'copy', role: 'key' }, proof, {
      forward: true,
      back: true,
    });
  });
  const fields = fieldsOf(table).map((field) => {
    const role: FieldReport['role'] = table.owned.includes(field) ? 'owned' : 'reference';
    const [legacy, service] = [legacyColumns(field), serviceColumns(field)];
    const types = proofOf(
      field,
      legacy.map((column) => limits.legacy.get(column)!),
      service.map((column) => limits.service.get(column)!),
    );
    const proof = free(types, legacy, service);
    const reason = reasonNotBack(field, role);
    const written = { forward: field.kind !== 'legacy-constant', back: reason === undefined };
    return report({ field: fieldName(field), kind: field.kind, role }, proof, written, reason);
  });
  return [...keys, ...fields];
}

function reasonNotBack(field: Field, role: FieldReport['role']): string | undefined {
  if (role === 'reference') return "it stays the legacy side's";
  if (field.kind === 'one-way') return field.reason;
  return field.kind === 'constant' ? 'the legacy table has no column for it' : undefined;
}

const notWritten: Verdict = { verdict: 'not-written', rows: 0, broken: 0 };

function verdictOf(field: string, proven: boolean, { rows, absent, broken }: Counted): Verdict {
  const wrong = broken(field, 'carried');
  if (wrong > 0) return { verdict: 'refuted', rows: rows - absent, broken: wrong };
  return { verdict: proven ? 'proven' : 'measured', rows: rows - absent, broken: 0 };
}

/** The way back is measured twice: by what went forward, and by what the service has. */
function returnOf(
  field: string,
  proof: { forward: boolean; back: boolean },
  forward: Counted,
  back: Counted,
): Verdict {
  const rows = forward.rows - forward.absent + back.rows;
  const wrong = forward.broken(field, 'returned') + back.broken(field, 'either');
  if (wrong > 0) return { verdict: 'refuted', rows, broken: wrong };
  return { verdict: proof.forward && proof.back ? 'proven' : 'measured', rows, broken: 0 };
}

/** A key's column for messages. */
export function keyName({ from, to }: KeyColumn): string {
  return from === to ? to : `${from} -> ${to}`;
}
