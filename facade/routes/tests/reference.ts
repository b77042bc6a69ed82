import { z } from 'zod';
import { routesFile } from '../schema.ts';

/** One key of routes.yaml, as its reference shows it. */
export interface Key {
  /** `routes[].match.path`; what stands for a name of the author's choice is in angle brackets. */
  readonly path: string;
  readonly required: boolean;
  /** What may stand there, in words. */
  readonly value: string;
  readonly meaning: string;
}

interface Node {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Record<string, Node>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
}

/** Every key that the schema has, in its order. */
export function keysOfSchema(): Key[] {
  const keys: Key[] = [];
  walk(z.toJSONSchema(routesFile, { target: 'draft-7', io: 'input' }) as Node, '', keys);
  return keys;
}

function walk(node: Node, path: string, keys: Key[]): void {
  for (const one of node.anyOf ?? [node]) {
    const { properties = {}, required = [], additionalProperties, items } = one;
    for (const [name, child] of Object.entries(properties)) {
      add(child, path === '' ? name : `${path}.${name}`, required.includes(name), keys);
    }
    if (items !== undefined) walk(items, `${path}[]`, keys);
    if (typeof additionalProperties === 'object') {
      const name = `${path}.<${path === 'backends' || path.endsWith('.to') ? 'backend' : 'name'}>`;
      walk(additionalProperties, name, keys);
    }
  }
}

function add(node: Node, path: string, required: boolean, keys: Key[]): void {
  // A union of two mappings, or a text and a mapping, has one line for itself and one for each key of the mappings.
  if (!keys.some((key) => key.path === path)) {
    keys.push({ path, required, value: wordsFor(node), meaning: node.description ?? '' });
  }
  walk(node, path, keys);
}

/** Texts whose pattern says more of them. */
const forms: readonly (readonly [part: string, words: string])[] = [
  ['(ms|s|m|h)', 'a duration such as `500ms`, `2s` or `1m`'],
  ['%$', 'a share such as `10%`'],
  ['KiB', 'a size such as `64KiB`'],
];

function wordsFor(node: Node): string {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(wordsFor))].join(' or ');
  if (node.const !== undefined) return code(node.const);
  if (node.enum !== undefined) return node.enum.map(code).join(' or ');
  const form = forms.find(([part]) => node.pattern?.includes(part));
  if (form !== undefined) return form[1];
  if (node.examples?.[0] !== undefined) return `such as ${code(node.examples[0])}`;
  switch (node.type) {
    case 'boolean':
      return '`true` or `false`';
    case 'integer':
    case 'number':
      return 'a whole number';
    case 'array':
      return 'a list';
    case 'object':
      return 'a mapping';
    default:
      return 'text';
  }
}

function code(value: unknown): string {
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``;
}

/** The reference as a table in Markdown. */
export function referenceTable(keys: readonly Key[]): string {
  const lines = keys.map(({ path, required, value, meaning }) => {
    const cells = [`\`${path}\`${required ? ' **(required)**' : ''}`, value, meaning];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| key | value | meaning |', '|---|---|---|', ...lines].join('\n');
}
