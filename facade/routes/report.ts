import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';
import type { Source } from './source.ts';

/** Collects what is wrong with a file, so that all of it can be said at once. */
export class Report {
  /** The file that is reported on, for the places in it. */
  readonly source: Source;
  /** The folder that it is in: paths in it are relative to that. */
  readonly folder: string;
  /** Files that are read along with it, by absolute path. */
  readonly documents = new Set<string>();
  /** The file cannot be used. */
  readonly problems: RouteProblem[] = [];
  /** The file can be used, and probably does not do what its author means. */
  readonly warnings: RouteProblem[] = [];

  constructor(source: Source, folder: string) {
    this.source = source;
    this.folder = folder;
  }

  problem(code: string, at: Position | undefined, message: string, hint?: string): void {
    this.problems.push({ code, at, message, hint });
  }

  warning(code: string, at: Position | undefined, message: string, hint?: string): void {
    this.warnings.push({ code, at, message, hint });
  }
}
