import { Failure } from '@strangler-fig/kernel/failure';
import type { Position } from './model.ts';

/** One thing that is wrong with routes.yaml. */
export interface RouteProblem {
  /** Stable, machine-readable name, in snake_case. */
  readonly code: string;
  /** Where; undefined where it concerns the file as a whole. */
  readonly at: Position | undefined;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | undefined;
}

/** A slip in a generated file of thousands of routes must not flood a terminal or a log. */
const maxLines = 100;

/** routes.yaml cannot be used. Carries everything that is wrong with it, in the order of its lines. */
export class RoutesInvalid extends Failure {
  /** As it was given to the loader. */
  readonly file: string;
  readonly problems: readonly RouteProblem[];
  /** Other files that it names, which may be what is wrong. */
  readonly documents: readonly string[];

  constructor(
    file: string,
    problems: readonly RouteProblem[],
    cause?: unknown,
    documents: readonly string[] = [],
  ) {
    const sorted = inFileOrder(problems);
    const lines = sorted.slice(0, maxLines).map((problem) => problemLine(file, problem));
    const rest = sorted.length - lines.length;
    if (sorted.length > 1) {
      lines.push(`${file}: ${sorted.length} problems${rest > 0 ? `, ${rest} of them not shown` : ''}.`);
    }
    super('routes_invalid', lines.join('\n'), { exitCode: 2, cause });
    this.name = 'RoutesInvalid';
    this.file = file;
    this.problems = sorted;
    this.documents = documents;
  }
}

/** `file:line:column: code: what. hint`, which editors and terminals turn into a link. */
export function problemLine(file: string, problem: RouteProblem): string {
  const place = problem.at === undefined ? file : `${file}:${problem.at.line}:${problem.at.column}`;
  const line = `${place}: ${problem.code}: ${problem.message}`;
  return problem.hint === undefined ? line : `${line} ${problem.hint}`;
}

export function inFileOrder(problems: readonly RouteProblem[]): RouteProblem[] {
  const key = ({ at }: RouteProblem) => (at === undefined ? 0 : at.line * 100_000 + at.column);
  return problems.toSorted((a, b) => key(a) - key(b));
}
