import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { substitute, type Variables } from './environment.ts';
import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';
import { isSecret, type Path, pathKey } from './source.ts';
import { maxDepth } from './yaml-syntax.ts';

/** Values that aliases may add up to, so that a few lines cannot stand for gigabytes. */
export const maxValues = 250_000;

/** Turns nodes of YAML into plain values, and replaces variables of the environment in them. */
export class ValueReader {
  readonly problems: RouteProblem[] = [];
  /** Paths of values, joined by pathKey: with a variable in them, and with one that is not set. */
  readonly substituted = new Set<string>();
  readonly unresolved = new Set<string>();
  /** Values so far. */
  count = 0;
  readonly #position: (offset: number) => Position;
  readonly #variables: Variables;
  readonly #outer: number;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();

  /**
   * @param position where an offset is.
   * @param outer how many collections the nodes stand in that are not read here.
   */
  constructor(position: (offset: number) => Position, variables: Variables, outer = 0) {
    this.#position = position;
    this.#variables = variables;
    this.#outer = outer;
  }

  /** @throws TooMuch */
  convert(node: unknown, path: Path): unknown {
    const depth = this.#open.size + this.#outer;
    if (depth > maxDepth || ++this.count > maxValues) throw new TooMuch(this.start(node));
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) {
        this.#problem(
          'yaml_syntax',
          node,
          `There is no anchor &${node.source} before this alias.`,
          'Write the value out.',
        );
        this.unresolved.add(pathKey(path));
        return undefined;
      }
      if (this.#open.has(target)) throw new TooMuch(this.start(node));
      return this.convert(target, path);
    }
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node))
      return typeof node.value === 'string' ? this.#replace(node.value, node, path) : node.value;
    this.#open.add(node);
    const value = isMap(node)
      ? this.#convertMap(node.items, path)
      : node.items.map((item, index) => this.convert(item, [...path, index]));
    this.#open.delete(node);
    return value;
  }

  /** Where a value below `root` stands, and its key; where it is missing, its nearest parent. */
  locate(root: unknown, path: Path): { key: Position; value: Position; text: string | undefined } {
    let node = root;
    let key = this.start(node);
    for (const step of path) {
      const collection = isAlias(node) ? this.#anchors.get(node.source) : node;
      if (isMap(collection)) {
        const pair = collection.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
        if (pair === undefined) break;
        key = this.start(pair.key);
        // A key without a value has no place but its own.
        node = (pair.value as Node | null)?.range === undefined ? pair.key : pair.value;
      } else if (isSeq(collection) && typeof step === 'number' && collection.items[step] !== undefined) {
        node = collection.items[step];
        key = this.start(node);
      } else break;
    }
    const text = isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
    return { key, value: this.start(node), text };
  }

  start(node: unknown): Position {
    const range = (node as Partial<Node> | null)?.range;
    return this.#position(range?.[0] ?? 0);
  }

  #convertMap(items: readonly { key: unknown; value: unknown }[], path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    for (const { key, value } of items) {
      const name = String(isScalar(key) ? key.value : key);
      if (name === '__proto__') {
        this.#problem('bad_name', key, 'A key cannot be named "__proto__".', 'Choose another name.');
        continue;
      }
      // Of a duplicate the first counts, so that what follows is about a value that stays.
      if (!(name in object)) object[name] = this.convert(value, [...path, name]);
    }
    return object;
  }

  #replace(text: string, node: Node, path: Path): string | undefined {
    const replaced = substitute(text, this.#variables);
    if (replaced === undefined) return text;
    this.substituted.add(pathKey(path));
    if ('text' in replaced) return replaced.text;
    this.unresolved.add(pathKey(path));
    // Whether anybody needs the secret is known only later.
    if (isSecret(path)) return '';
    this.#problem(replaced.code, node, replaced.message, replaced.hint);
    return undefined;
  }

  #problem(code: string, node: unknown, message: string, hint: string): void {
    this.problems.push({ code, at: this.start(node), message, hint });
  }
}

/** The values are more, or deeper within each other, than a file may stand for. */
export class TooMuch extends Error {
  readonly at: Position;
  constructor(at: Position) {
    super('too many values');
    this.at = at;
  }
}
