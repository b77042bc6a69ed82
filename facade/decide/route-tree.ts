import type { Route } from '../routes/model.ts';
import { type ElementPath, foldsCase } from '../routes/precedence.ts';
import type { Probe } from './probe.ts';

/**
 * Routes, each by its rank in the order of precedence, by the elements of their paths. What a search costs depends on
 * the path's length, not on how many there are.
 */
export class RouteTree {
  readonly #root = new Node();

  /** Lower ranks first. */
  add(rank: number, path: ElementPath): void {
    let node = this.#root;
    for (const element of path.elements) {
      if (element.kind === 'parameter') {
        node.parameter ??= new Node();
        node = node.parameter;
      } else {
        const children = foldsCase(path, element.text) ? node.anyCase : node.literals;
        node = childOf(children, element.text);
      }
    }
    (path.prefix ? node.prefixes : node.ends).push(rank);
    if (path.anyEnd) node.looseEnds.push(rank);
  }

  /**
   * Offers the routes whose path matches to `choose`, those with the same path together, in order of
   * precedence, until it takes one.
   */
  search(probe: Probe, choose: Choose): Route | undefined {
    return walk(this.#root, probe.elements, 0, choose);
  }
}

/** Takes one of the routes with the same host and path, whose ranks are given in order of precedence, or none. */
export type Choose = (ranks: readonly number[]) => Route | undefined;

class Node {
  readonly literals = new Map<string, Node>();
  readonly anyCase = new Map<string, Node>();
  parameter: Node | undefined;
  /** Routes whose path ends here, and those that go on with `*`, in order of precedence. */
  readonly ends: number[] = [];
  readonly prefixes: number[] = [];
  /** Those of `ends` that take one empty element more. */
  readonly looseEnds: number[] = [];
}

function childOf(children: Map<string, Node>, text: string): Node {
  const existing = children.get(text);
  if (existing !== undefined) return existing;
  const child = new Node();
  children.set(text, child);
  return child;
}

function walk(node: Node, elements: readonly string[], depth: number, choose: Choose): Route | undefined {
  const element = elements[depth];
  let found: Route | undefined;
  if (element === undefined) {
    if (node.ends.length > 0) found = choose(node.ends);
  } else {
    const literal = node.literals.get(element);
    if (literal !== undefined) found = walk(literal, elements, depth + 1, choose);
    if (found === undefined && node.anyCase.size > 0) {
      const folded = node.anyCase.get(element.toLowerCase());
      if (folded !== undefined) found = walk(folded, elements, depth + 1, choose);
    }
    if (found === undefined && node.parameter !== undefined && element !== '') {
      found = walk(node.parameter, elements, depth + 1, choose);
    }
    if (found === undefined && node.looseEnds.length > 0 && element === '' && depth === elements.length - 1) {
      found = choose(node.looseEnds);
    }
  }
  if (found === undefined && node.prefixes.length > 0) found = choose(node.prefixes);
  return found;
}
