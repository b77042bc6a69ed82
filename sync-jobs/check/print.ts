import { faultLine } from '../mapping/declaration-faults.ts';
import type { CheckReport, FieldReport, TableReport, Verdict } from './report.ts';

/** A report as text for a terminal: what refuses the mapping, a table of fields for each pair of tables, and a last line. */
export function printCheck(report: CheckReport): string {
  const parts = [
    ...(report.faults.length === 0
      ? []
      : [
          ['Refused before any row was read:', ...report.faults.map((fault) => `  ${faultLine(fault)}`)].join(
            '\n',
          ),
        ]),
    ...report.tables.map(tablePart),
    lastLine(report),
  ];
  return `${parts.join('\n\n')}\n`;
}

function tablePart(table: TableReport): string {
  const absent = table.absentRows === 0 ? '' : `, ${count(table.absentRows)} of them without a counterpart`;
  const lines = [
    `${table.from} -> ${table.to}: ${rows(table.legacyRows)} of the legacy side read${absent}, and ${count(table.serviceRows)} of the service's`,
    ...columns(['field', 'kind', 'forward', 'back'], table.fields.map(fieldRow)),
    ...table.unasked.map((line) => `  Not asked: ${line}`),
    ...table.warnings.map(({ sentence }) => `  Warning: ${sentence}`),
    ...table.findings.map(
      ({ kind, sentence }) => `  ${kind === 'declared-loss' ? 'Note: ' : 'REFUTED: '}${sentence}`,
    ),
  ];
  const stay = (names: string[], side: string) =>
    names.length === 0 ? [] : [`  No field speaks of ${side}: ${names.join(', ')}.`];
  return [
    ...lines,
    ...stay(table.unmapped.legacy, `these columns of ${table.from}, which do not go over`),
    ...stay(table.unmapped.service, `these columns of ${table.to}, which a rollback leaves behind`),
  ].join('\n');
}

function fieldRow({ field, kind, role, forward, back, reason }: FieldReport): string[] {
  const returned = reason === undefined ? shown(back) : `not written back: ${reason}`;
  return [
    field,
    role === 'owned' ? kind : role === 'key' ? 'key' : `${kind}, reference`,
    shown(forward),
    returned,
  ];
}

function shown({ verdict, rows: over, broken }: Verdict): string {
  switch (verdict) {
    case 'proven':
      return 'proven';
    case 'measured':
      return over === 0 ? 'not measured: no rows' : `measured over ${rows(over)}`;
    case 'refuted':
      return `REFUTED by ${count(broken)} of ${rows(over)}`;
    case 'not-written':
      return 'nothing to write';
  }
}

function columns(head: string[], body: string[][]): string[] {
  const all = [head, ...body];
  const widths = head.map((_, index) => Math.max(...all.map((row) => row[index]!.length)));
  return all.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index]!)).join('  ')}`.trimEnd());
}

function lastLine({ group, sound, faults, tables, limitedTo }: CheckReport): string {
  const refuted = tables
    .flatMap(({ findings }) => findings)
    .filter(({ kind }) => kind !== 'declared-loss').length;
  const part = limitedTo === undefined ? '' : ` Only the first ${rows(limitedTo)} of each table were read.`;
  if (sound) return `${group}: nothing refuses this mapping.${part}`;
  const reasons = [
    ...(faults.length === 0
      ? []
      : [`${count(faults.length)} ${faults.length === 1 ? 'fault' : 'faults'} of the declaration`]),
    ...(refuted === 0 ? [] : [`${count(refuted)} ${refuted === 1 ? 'finding' : 'findings'} in the rows`]),
  ];
  return `${group}: this mapping is refused by ${reasons.join(' and ')}.${part}`;
}

function rows(number: number): string {
  return `${count(number)} ${number === 1 ? 'row' : 'rows'}`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}
