import type { ReadItems } from './items.ts';
import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';

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
  /** What the next reading need not read again. */
  readonly items?: ReadItems;
}

/** Bytes. A table of ten thousand routes is smaller. */
export const maxFileSize = 1024 * 1024;

/** Where the file holds a secret; what stands there never appears in a message. */
export function isSecret(path: Path): boolean {
  return path[0] === 'identity' && path.at(-1) === 'secret';
}

/** A path as a string, to look it up. */
export function pathKey(path: Path): string {
  return path.map(String).join('\0');
}
