import { type Fault, fieldsOf } from '../mapping/declaration-faults.ts';
import type { Field } from '../mapping/fields.ts';
import { keyOf, type TableDeclaration } from '../mapping/group.ts';
import type { DraftTable } from './draft-table.ts';

const width = 110;

interface GroupDraft {
  name: string;
  tables: DraftTable[];
  faults: Fault[];
  /** Of the whole group. */
  general: string[];
  mapping: string;
}

/** A draft as the text of its file. */
export function groupText({ name, tables, faults, general, mapping }: GroupDraft): string {
  const declared = tables.flatMap(({ declaration }) => (declaration === undefined ? [] : [declaration]));
  const kinds = [...new Set(declared.flatMap(fieldsOf).flatMap(functionsOf))].sort();
  const loose = faults.filter(({ table }) => declared.every((one) => `${one.from} -> ${one.to}` !== table));
  const lines = [
    ...(kinds.length === 0 ? [] : [`import { ${kinds.join(', ')} } from ${quote(`${mapping}/fields.ts`)};`]),
    `import { defineGroup } from ${quote(`${mapping}/group.ts`)};`,
    '',
    ...comment(
      '',
      'A first draft, guessed from the names, types and rows of both databases. Read every line of it.',
    ),
    ...[...general, ...loose.map(refusal)].flatMap((note) => comment('', note)),
    'export default defineGroup({',
    `  name: ${quote(name)},`,
    ...(tables.length === 0
      ? ['  tables: [],']
      : ['  tables: [', ...tables.flatMap((table) => tableLines(table, faults)), '  ],']),
    '});',
  ];
  return `${lines.join('\n')}\n`;
}

function refusal({ field, reason }: Fault): string {
  return `Refused until this is mended: ${field === undefined ? '' : `${field}: `}${reason}.`;
}

function tableLines({ pair, declaration, notes, fields, unmapped }: DraftTable, faults: Fault[]): string[] {
  const inner = '      ';
  if (declaration === undefined) return notes.flatMap((note) => comment('    ', note));
  const own = faults.filter(({ table }) => table === `${pair.legacy.name} -> ${pair.service.name}`);
  return [
    '    {',
    ...[...own.map(refusal), ...notes].flatMap((note) => comment(inner, note)),
    ...headLines(declaration).map((line) => `${inner}${line}`),
    ...ownedLines(fields, unmapped, inner),
    '    },',
  ];
}

function headLines(table: TableDeclaration): string[] {
  const keys = keyOf(table).map(({ from, to }) => `{ from: ${quote(from)}, to: ${quote(to)} }`);
  return [
    `from: ${quote(table.from)},`,
    `to: ${quote(table.to)},`,
    ...(keys.length === 1 ? [`key: ${keys[0]},`] : ['key: [', ...keys.map((key) => `  ${key},`), '],']),
    ...(table.writtenBy === undefined ? [] : [`writtenBy: ${quote(table.writtenBy)},`]),
    ...(table.rowsFrom === undefined ? [] : [`rowsFrom: ${quote(table.rowsFrom)},`]),
    ...(table.absentWhenSet === undefined ? [] : [`absentWhenSet: ${quote(table.absentWhenSet)},`]),
    ...(table.advanceSequence === true ? ['advanceSequence: true,'] : []),
  ];
}

function ownedLines(fields: DraftTable['fields'], unmapped: string[], indent: string): string[] {
  const deeper = `${indent}  `;
  const inside = [
    ...fields.flatMap(({ field, notes }) => [
      ...notes.flatMap((note) => comment(deeper, note)),
      ...fieldText(field, deeper),
    ]),
    ...unmapped.flatMap((line) => comment(deeper, line)),
  ];
  if (inside.length === 0) return [`${indent}owned: [],`];
  const oneLine = `${indent}owned: [${fields.map(({ field }) => call(field)).join(', ')}],`;
  if (inside.length === fields.length && oneLine.length <= width) return [oneLine];
  return [`${indent}owned: [`, ...inside, `${indent}],`];
}

function fieldText(field: Field, indent: string): string[] {
  const text = call(field);
  if (indent.length + text.length + 1 <= width) return [`${indent}${text},`];
  if (field.kind === 'one-way') {
    const deeper = `${indent}  `;
    return [
      `${indent}oneWay(`,
      ...fieldText(field.field, deeper),
      `${deeper}${quote(field.reason)},`,
      `${indent}),`,
    ];
  }
  if (field.kind !== 'values') return [`${indent}${text},`];
  return [
    `${indent}values(${quote(field.from)}, ${quote(field.to)}, {`,
    ...Object.entries(field.values).map(
      ([from, to]) => `${indent}  ${property(from)}: ${quote(String(to))},`,
    ),
    `${indent}}),`,
  ];
}

function functionsOf(field: Field): string[] {
  return field.kind === 'one-way' ? ['oneWay', ...functionsOf(field.field)] : [functionOf(field)];
}

function functionOf(field: Field): string {
  return field.kind === 'utc-time' ? 'utcTime' : field.kind;
}

/** The call that makes a field; of those kinds that a draft has. */
function call(field: Field): string {
  if (field.kind === 'one-way') return `oneWay(${call(field.field)}, ${quote(field.reason)})`;
  if (
    !('from' in field) ||
    typeof field.from !== 'string' ||
    !('to' in field) ||
    typeof field.to !== 'string'
  ) {
    throw new TypeError(`a draft has no ${field.kind}`);
  }
  const renamed = field.to === field.from ? [] : [quote(field.to)];
  const given = (options: string) => [quote(field.from as string), quote(field.to as string), options];
  const parameters = () => {
    if (field.kind === 'utc-time') {
      const options = [
        ...(field.precision === 'seconds' ? [] : [`precision: ${quote(field.precision)}`]),
        ...(field.finer === 'refused' ? [] : [`finer: ${quote(field.finer)}`]),
      ];
      if (options.length > 0) return given(`{ ${options.join(', ')} }`);
    }
    if (field.kind === 'money' && field.decimals !== 2) return given(`{ decimals: ${field.decimals} }`);
    if (field.kind === 'values') {
      const entries = Object.entries(field.values).map(
        ([from, to]) => `${property(from)}: ${quote(String(to))}`,
      );
      return given(`{ ${entries.join(', ')} }`);
    }
    return [quote(field.from as string), ...renamed];
  };
  return `${functionOf(field)}(${parameters().join(', ')})`;
}

/** Lines of a comment, none longer than a line may be. What databases hold goes in; a line end in it must not come out. */
function comment(indent: string, text: string): string[] {
  const lines: string[] = [];
  let line = `${indent}//`;
  for (const word of text.split(/\s+/u)) {
    if (line.length + 1 + word.length > width && line !== `${indent}//`) {
      lines.push(line);
      line = `${indent}//`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function quote(text: string): string {
  if (text.includes("'") && !text.includes('"')) return JSON.stringify(text);
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function property(name: string): string {
  // Written plainly, this name would set the table's prototype.
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}
