import { Failure } from '@strangler-fig/kernel/failure';
import { isMap, isSeq, type Node, parseDocument, type YAMLMap } from 'yaml';

/** One route's key and the value it shall have; undefined takes the key away. */
export interface RouteEdit {
  readonly route: string;
  readonly key: 'to' | 'compare';
  readonly value: string | undefined;
}

/**
 * Changes words of a routes.yaml and nothing else: comments, order and spacing stay as they are.
 * @throws Failure `route_unknown` where there is no such route.
 */
export function editRoutes(text: string, edits: readonly RouteEdit[]): string {
  return edits.reduce(editOne, text);
}

function editOne(text: string, { route, key, value }: RouteEdit): string {
  const map = findRoute(text, route);
  const pair = map.items.find((item) => String(item.key) === key);
  const at = rangeOf(pair?.value as Node | null | undefined);
  if (at !== undefined && value !== undefined) return text.slice(0, at[0]) + value + text.slice(at[1]);
  if (at !== undefined) return withoutEntry(text, rangeOf(pair?.key as Node)?.[0] as number, at[1]);
  if (value === undefined) return text;
  // A new key goes before `to`, which every route has.
  const to = map.items.find((item) => String(item.key) === 'to');
  const before = rangeOf(to?.key as Node)?.[0] as number;
  const entry = `${key}: ${value}`;
  const separator = map.flow ? ', ' : `\n${' '.repeat(before - lineStart(text, before))}`;
  return text.slice(0, before) + entry + separator + text.slice(before);
}

function findRoute(text: string, name: string): YAMLMap {
  const routes = parseDocument(text).get('routes');
  const found = isSeq(routes)
    ? routes.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name)
    : undefined;
  if (found !== undefined) return found;
  throw new Failure('route_unknown', `There is no route named ${name}.`, {
    hint: 'Run fig validate to see the routes.',
    exitCode: 2,
  });
}

/** Takes out an entry that stands on a line of its own, or in a flow map together with its comma. */
function withoutEntry(text: string, from: number, to: number): string {
  const start = lineStart(text, from);
  if (text.slice(start, from).trim() === '') {
    const end = text.indexOf('\n', to);
    return text.slice(0, start) + (end === -1 ? '' : text.slice(end + 1));
  }
  const comma = /^\s*,\s*/.exec(text.slice(to));
  if (comma !== null) return text.slice(0, from) + text.slice(to + comma[0].length);
  return text.slice(0, from).replace(/,\s*$/, '') + text.slice(to);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

function rangeOf(node: Node | null | undefined): [number, number] | undefined {
  return node?.range === undefined || node?.range === null ? undefined : [node.range[0], node.range[1]];
}
