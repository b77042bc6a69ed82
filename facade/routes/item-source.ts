import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Variables } from './environment.ts';
import { keyOf, locateInItem, type ReadItem, type ReadItems, readItems } from './items.ts';
import type { Position } from './model.ts';
import type { Steps } from './slices.ts';
import { type Path, pathKey, type Source } from './source.ts';
import { type ItemText, type SplitText, splitItems } from './split-items.ts';
import { maxValues, TooMuch, ValueReader } from './values.ts';
import { LineCounter, parseDocument } from './yaml.ts';
import { tooDeepAt } from './yaml-syntax.ts';

/** Items that are parsed together: alone each would cost more, and many would keep each other in memory. */
const together = 8;

/**
 * Reads the routes one by one, and of those that were read before takes what is known.
 * @param known what an earlier reading left.
 * @returns undefined where only readWhole can tell what the file means, or what is wrong with it.
 */
export function* readItemwise(
  text: string,
  variables: Variables,
  known: ReadItems = new Map(),
): Steps<Source | undefined> {
  const split = splitItems(text);
  if (split === undefined) return undefined;
  const frame = readFrame(split, variables);
  if (frame === undefined) return undefined;
  yield;
  const keys = split.items.map(({ start, end }) => keyOf(text.slice(start, end), variables));
  // With the keys of this text: those of the one before would keep it in memory.
  const kept = new Map<string, ReadItem>();
  const isKnown = (index: number) => kept.has(keys[index] as string) || known.has(keys[index] as string);
  const items: ReadItem[] = [];
  for (let index = 0; index < keys.length; index = items.length) {
    yield;
    let end = index;
    while (end < keys.length && end - index < together && !isKnown(end)) end++;
    const read =
      end > index
        ? readItems(text, split.items.slice(index, end), index, variables)
        : [kept.get(keys[index] as string) ?? (known.get(keys[index] as string) as ReadItem)];
    if (read === undefined) return undefined;
    for (const item of read) kept.set(keys[items.push(item) - 1] as string, item);
  }
  const count = items.reduce((sum, item) => sum + item.count, frame.count - 1);
  return count > maxValues ? undefined : joined(text, split, frame, items, kept);
}

/** The file without its routes. */
interface Frame {
  readonly root: Node;
  readonly reader: ValueReader;
  readonly value: Record<string, unknown>;
  readonly count: number;
}

function readFrame(split: SplitText, variables: Variables): Frame | undefined {
  if (tooDeepAt(split.frame) !== undefined) return undefined;
  const lines = new LineCounter();
  const { contents, errors, warnings } = parseDocument(split.frame, {
    lineCounter: lines,
    stringKeys: true,
    prettyErrors: false,
  });
  if (errors.length + warnings.length > 0 || !isMap(contents) || contents.flow) return undefined;
  const pair = contents.items.find(({ key }) => isScalar(key) && key.range?.[0] === split.key);
  const list = pair?.value;
  if (!isSeq(list) || list.flow || list.items.length !== 1) return undefined;
  if (list.range?.[0] !== split.first) return undefined;
  const reader = new ValueReader((offset) => {
    const { line, col } = lines.linePos(offset);
    return { line: offset < split.rest ? line : line + split.shift, column: col };
  }, variables);
  try {
    const value = reader.convert(contents, []) as Record<string, unknown>;
    return { root: contents, reader, value, count: reader.count };
  } catch (error) {
    if (error instanceof TooMuch) return undefined;
    throw error;
  }
}

function joined(
  text: string,
  split: SplitText,
  frame: Frame,
  items: readonly ReadItem[],
  kept: ReadItems,
): Source {
  const { root, reader, value } = frame;
  const problems = [...reader.problems];
  const substituted = new Set(reader.substituted);
  const unresolved = new Set(reader.unresolved);
  for (const [index, item] of items.entries()) {
    if (item.substituted.length + item.problems.length === 0) continue;
    const own = pathKey(['routes', index]);
    for (const key of item.substituted) substituted.add(own + key);
    for (const key of item.unresolved) unresolved.add(own + key);
    const text = split.items[index] as ItemText;
    for (const problem of item.problems) problems.push({ ...problem, at: below(text, problem.at) });
  }
  const locate = (path: Path) => {
    const [section, index, ...inner] = path;
    const item = section === 'routes' && typeof index === 'number' ? split.items[index] : undefined;
    if (item === undefined) return reader.locate(root, path);
    const { key, value, text: written } = locateInItem(text.slice(item.start, item.end), inner);
    return { key: below(item, key), value: below(item, value), text: written };
  };
  return {
    value: Object.assign(value, { routes: items.map((item) => item.value) }),
    substituted,
    unresolved,
    problems,
    valueAt: (path) =>
      path.length === 2 && path[0] === 'routes' && typeof path[1] === 'number' && path[1] < items.length
        ? below(split.items[path[1]] as ItemText, items[path[1]]?.at)
        : locate(path).value,
    keyAt: (path) => locate(path).key,
    textAt: (path) => locate(path).text,
    items: kept,
  };
}

function below(item: ItemText, at: Position | undefined): Position {
  return { line: item.line + (at?.line ?? 0), column: at?.column ?? 1 };
}
