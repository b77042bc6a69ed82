import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Variables } from './environment.ts';
import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';
import { pathKey } from './source.ts';
import type { ItemText } from './split-items.ts';
import { TooMuch, ValueReader } from './values.ts';
import { parseDocument } from './yaml.ts';
import { maxDepth, tooDeepAt } from './yaml-syntax.ts';

/** One route of the file as it was read. The same text has the same one, and so the same value, in the next reading. */
export interface ReadItem {
  readonly value: unknown;
  /** How many values it consists of. */
  readonly count: number;
  /** Where the value begins; lines are counted from 0 at the item's first. */
  readonly at: Position;
  /** Ends of the path keys (behind the item's own) of values with a variable, and of those whose variable is not set. */
  readonly substituted: readonly string[];
  readonly unresolved: readonly string[];
  readonly problems: readonly RouteProblem[];
}

/** By their text, and the variables in it. */
export type ReadItems = ReadonlyMap<string, ReadItem>;

/** What an item's reading depends on. */
export function keyOf(text: string, variables: Variables): string {
  if (!text.includes('${')) return text;
  const names = text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)/g);
  return JSON.stringify([text, ...Array.from(names, ([, name]) => variables[name as string])]);
}

/** Reads items that follow each other; undefined where they mean something only together with the rest of the file. */
export function readItems(
  text: string,
  items: readonly ItemText[],
  index: number,
  variables: Variables,
): ReadItem[] | undefined {
  const start = items[0]?.start ?? 0;
  const own = detached(text.slice(start, items.at(-1)?.end));
  const nodes = itemNodes(own);
  if (nodes?.length !== items.length) return undefined;
  const read: ReadItem[] = [];
  for (const [offset, item] of items.entries()) {
    const node = nodes[offset] as Node;
    const from = item.start - start;
    const place = node.range?.[0] ?? 0;
    if (place < from || place >= item.end - start) return undefined;
    const one = readItem(node, index + offset, positionsIn(own, from), variables);
    if (one === undefined) return undefined;
    read.push(one);
  }
  return read;
}

function readItem(
  node: Node,
  index: number,
  position: (offset: number) => Position,
  variables: Variables,
): ReadItem | undefined {
  const reader = new ValueReader(position, variables, outer);
  const path = ['routes', index];
  const own = pathKey(path).length;
  try {
    return {
      value: reader.convert(node, path),
      count: reader.count,
      at: reader.start(node),
      substituted: Array.from(reader.substituted, (key) => key.slice(own)),
      unresolved: Array.from(reader.unresolved, (key) => key.slice(own)),
      problems: reader.problems,
    };
  } catch (error) {
    if (error instanceof TooMuch) return undefined;
    throw error;
  }
}

/** The file's mapping and its list. */
const outer = 2;

/** Where values of an item's text are, which have been forgotten; the lines are counted from 0. */
export function locateInItem(text: string, path: readonly PropertyKey[]): ReturnType<ValueReader['locate']> {
  return new ValueReader(positionsIn(text, 0), {}).locate(itemNodes(text)?.[0], path);
}

/** The items of a list; undefined where not each is a mapping with nothing in it that is known, or counts, elsewhere. */
function itemNodes(text: string): Node[] | undefined {
  if (mayBeDeep(text) && tooDeepAt(text) !== undefined) return undefined;
  const { contents, errors, warnings } = parseDocument(text, { stringKeys: true, prettyErrors: false });
  if (errors.length + warnings.length > 0 || !isSeq(contents) || !isPlain(contents)) return undefined;
  return contents.items.every(isMap) ? contents.items : undefined;
}

/** Whether there are no anchors and aliases, tags and block scalars. */
function isPlain(node: unknown): boolean {
  if (node === null) return true;
  const { anchor, tag } = node as Partial<Node> & { readonly anchor?: string };
  if (anchor !== undefined || tag !== undefined) return false;
  if (isMap(node)) return node.items.every(({ key, value }) => isPlain(key) && isPlain(value));
  if (isSeq(node)) return node.items.every(isPlain);
  return isScalar(node) && node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED';
}

/** Counts more than what nests, and costs less than asking the lexer. */
function mayBeDeep(text: string): boolean {
  let found = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x5b || character === 0x7b || character === 0x2d || character === 0x3f) found++;
  }
  return found > maxDepth;
}

function positionsIn(text: string, from: number): (offset: number) => Position {
  return (offset) => {
    let line = 0;
    for (let at = text.indexOf('\n', from); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
    return { line, column: offset - text.lastIndexOf('\n', offset - 1) };
  };
}

/** A copy of its own: values are parts of the text they were parsed from, and would keep all of a file in memory. */
function detached(text: string): string {
  return Buffer.from(text).toString();
}
