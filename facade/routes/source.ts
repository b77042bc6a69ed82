import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml';
import { substitute, type Variables } from './environment.ts';
import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';
import { maxDepth, syntaxProblem, tooDeep, tooDeepAt } from './yaml-syntax.ts';

/** Keys and indexes from the file's top to a value: ['routes', 3, 'to']. */
export type Path = readonly PropertyKey[];

/** What routes.yaml holds, before it is compared with the schema. */
export interface Source {
  /** Undefined where the file cannot be read as YAML; then `problems` says why. */
  readonly value: unknown;
  /** Paths of the values that hold a variable of the environment, joined by pathKey. */
  readonly substituted: ReadonlySet<string>;
  /** Paths whose variable is not set: reported already, whatever else is wrong there follows from it. */
  readonly unresolved: ReadonlySet<string>;
  readonly problems: readonly RouteProblem[];
  /** Where a value stands; where it is missing, its nearest parent. */
  valueAt(path: Path): Position;
  /** Where the key of a value stands. */
  keyAt(path: Path): Position;
  /** A value as it stands in the file, before variables were replaced; undefined where it is not text. */
  textAt(path: Path): string | undefined;
}

/** Bytes. A table of ten thousand routes is smaller. */
export const maxFileSize = 1024 * 1024;
/** Values that aliases may add up to, so that a few lines cannot stand for gigabytes. */
const maxValues = 250_000;

/** Reads YAML with the position of everything in it, and replaces variables of the environment. */
export function readSource(text: string, variables: Variables): Source {
  const lines = new LineCounter();
  const reader = new Reader(lines, variables);
  const depth = tooDeepAt(text);
  if (depth !== undefined) return reader.unreadable(tooDeep(depth));

  const document = parseDocument(text, { lineCounter: lines, stringKeys: true, prettyErrors: false });
  const syntax = document.errors.find((error) => error.code !== 'DUPLICATE_KEY');
  if (syntax !== undefined)
    return reader.unreadable(syntaxProblem(syntax, text, reader.position(syntax.pos[0])));
  for (const error of document.errors) reader.duplicateKey(error, text);
  for (const warning of document.warnings) {
    reader.problem(
      'yaml_syntax',
      reader.position(warning.pos[0]),
      `${warning.message}.`,
      'Use plain values, without tags.',
    );
  }
  return reader.read(document.contents);
}

class Reader {
  readonly #lines: LineCounter;
  readonly #variables: Variables;
  readonly #problems: RouteProblem[] = [];
  readonly #substituted = new Set<string>();
  readonly #unresolved = new Set<string>();
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #root: unknown = null;
  #values = 0;

  constructor(lines: LineCounter, variables: Variables) {
    this.#lines = lines;
    this.#variables = variables;
  }

  position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  problem(code: string, at: Position, message: string, hint: string): void {
    this.#problems.push({ code, at, message, hint });
  }

  duplicateKey(error: YAMLError, text: string): void {
    const key = /^[^:\s,}]*/.exec(text.slice(error.pos[0]))?.[0] ?? '';
    this.problem(
      'duplicate_key',
      this.position(error.pos[0]),
      `The key "${key}" is here a second time.`,
      'Keep one of the two.',
    );
  }

  unreadable(problem: RouteProblem): Source {
    this.#problems.push(problem);
    return this.#source(undefined);
  }

  read(root: unknown): Source {
    this.#root = root;
    try {
      return this.#source(this.#convert(root, []));
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      return this.unreadable({
        code: 'too_many_aliases',
        at: error.at,
        message: 'Aliases make the file stand for far more than it holds, or for itself.',
        hint: 'Write the values out.',
      });
    }
  }

  #source(value: unknown): Source {
    return {
      value,
      substituted: this.#substituted,
      unresolved: this.#unresolved,
      problems: this.#problems,
      valueAt: (path) => this.#locate(path).value,
      keyAt: (path) => this.#locate(path).key,
      textAt: (path) => this.#locate(path).text,
    };
  }

  #convert(node: unknown, path: Path): unknown {
    if (this.#open.size > maxDepth || ++this.#values > maxValues) throw new TooMuch(this.#start(node));
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) {
        this.problem(
          'yaml_syntax',
          this.#start(node),
          `There is no anchor &${node.source} before this alias.`,
          'Write the value out.',
        );
        this.#unresolved.add(pathKey(path));
        return undefined;
      }
      if (this.#open.has(target)) throw new TooMuch(this.#start(node));
      return this.#convert(target, path);
    }
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node))
      return typeof node.value === 'string' ? this.#replace(node.value, node, path) : node.value;
    this.#open.add(node);
    const value = isMap(node)
      ? this.#convertMap(node.items, path)
      : node.items.map((item, index) => this.#convert(item, [...path, index]));
    this.#open.delete(node);
    return value;
  }

  #convertMap(items: readonly { key: unknown; value: unknown }[], path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    for (const { key, value } of items) {
      const name = String(isScalar(key) ? key.value : key);
      if (name === '__proto__') {
        this.problem(
          'bad_name',
          this.#start(key),
          'A key cannot be named "__proto__".',
          'Choose another name.',
        );
        continue;
      }
      // Of a duplicate the first counts, so that what follows is about a value that stays.
      if (!(name in object)) object[name] = this.#convert(value, [...path, name]);
    }
    return object;
  }

  #replace(text: string, node: Node, path: Path): string | undefined {
    const replaced = substitute(text, this.#variables);
    if (replaced === undefined) return text;
    this.#substituted.add(pathKey(path));
    if ('text' in replaced) return replaced.text;
    this.#unresolved.add(pathKey(path));
    // Whether anybody needs the secret is known only later.
    if (isSecret(path)) return '';
    this.problem(replaced.code, this.#start(node), replaced.message, replaced.hint);
    return undefined;
  }

  #start(node: unknown): Position {
    const range = (node as Partial<Node> | null)?.range;
    return this.position(range?.[0] ?? 0);
  }

  #locate(path: Path): { key: Position; value: Position; text: string | undefined } {
    let node = this.#root;
    let key = this.#start(node);
    for (const step of path) {
      const collection = isAlias(node) ? this.#anchors.get(node.source) : node;
      if (isMap(collection)) {
        const pair = collection.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
        if (pair === undefined) break;
        key = this.#start(pair.key);
        // A key without a value has no place but its own.
        node = (pair.value as Node | null)?.range === undefined ? pair.key : pair.value;
      } else if (isSeq(collection) && typeof step === 'number' && collection.items[step] !== undefined) {
        node = collection.items[step];
        key = this.#start(node);
      } else break;
    }
    const text = isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
    return { key, value: this.#start(node), text };
  }
}

/** Where the file holds a secret; what stands there never appears in a message. */
export function isSecret(path: Path): boolean {
  return path.length === 2 && path[0] === 'identity' && path[1] === 'secret';
}

/** A path as a string, to look it up. */
export function pathKey(path: Path): string {
  return path.map(String).join('\0');
}

class TooMuch extends Error {
  readonly at: Position;
  constructor(at: Position) {
    super('too many values');
    this.at = at;
  }
}
