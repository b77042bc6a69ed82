import type { z } from 'zod';
import type { RouteProblem } from './problem.ts';
import { type RoutesFile, routesFile } from './schema.ts';
import { type Path, pathKey, type Source } from './source.ts';
import { expected, isWrongKind, problemsOf, valueAt } from './wording.ts';

type Issue = z.core.$ZodIssue;

export interface Shape {
  /** The file's value, where it has the shape of the schema. */
  readonly file: RoutesFile | undefined;
  /** The file's value in any case, with substituted values turned into the types that the schema asks for. */
  readonly value: unknown;
  readonly problems: readonly RouteProblem[];
}

/** Compares what the file holds with the schema, and says all that differs in words, at its place. */
export function checkShape(source: Source): Shape {
  let { value } = source;
  let result = routesFile.safeParse(value);
  if (result.success) return { file: result.data, value, problems: [] };
  let issues = flatten(result.error.issues, [], value);
  const converted = convertSubstituted(source, issues, value);
  if (converted !== undefined) {
    value = converted;
    result = routesFile.safeParse(value);
    if (result.success) return { file: result.data, value, problems: [] };
    issues = flatten(result.error.issues, [], value);
  }
  const open = issues.filter((issue) => !source.unresolved.has(pathKey(issue.path)));
  return { file: undefined, value, problems: open.flatMap((issue) => problemsOf(issue, source, value)) };
}

/** Issues with paths from the file's top; of a union only those of the alternative that was meant. */
function flatten(issues: readonly Issue[], parent: Path, value: unknown): Issue[] {
  const misspelt = issues
    .filter((issue) => issue.code === 'unrecognized_keys')
    .map(({ path }) => pathKey(path));
  return issues.flatMap((issue): Issue[] => {
    // "Must name one of …" says no more than the unknown key beside it.
    if (issue.code === 'custom' && misspelt.includes(pathKey(issue.path))) return [];
    const path = [...parent, ...issue.path];
    if (issue.code !== 'invalid_union') return [{ ...issue, path }];
    const meant = issue.errors.find(
      (alternative) => !alternative.some((inner) => inner.path.length === 0 && isWrongKind(inner)),
    );
    if (meant !== undefined) return flatten(meant, path, value);
    // None fits: one issue that names what each would take.
    return [
      {
        code: 'custom',
        path,
        message: `must be ${alternatives(issue.errors)}`,
        params: { kind: valueAt(value, path) },
      },
    ];
  });
}

function alternatives(errors: readonly (readonly Issue[])[]): string {
  return errors
    .flatMap((alternative) =>
      alternative.filter((inner) => inner.path.length === 0).map((inner) => expected(inner)),
    )
    .join(' or ');
}

/** Text from a variable stands for true, false or a number where the schema asks for one. */
function convertSubstituted(source: Source, issues: readonly Issue[], value: unknown): unknown {
  const convertible = issues.filter(
    (issue) => issue.code === 'invalid_type' && source.substituted.has(pathKey(issue.path)),
  );
  if (convertible.length === 0) return undefined;
  const copy = structuredClone(value);
  for (const issue of convertible) {
    const parent = valueAt(copy, issue.path.slice(0, -1)) as Record<PropertyKey, unknown>;
    const key = issue.path.at(-1)!;
    const text = String(parent[key]);
    const wanted = issue.code === 'invalid_type' ? issue.expected : '';
    if (wanted === 'boolean' && (text === 'true' || text === 'false')) parent[key] = text === 'true';
    if ((wanted === 'number' || wanted === 'int') && /^-?[0-9]{1,9}$/.test(text)) parent[key] = Number(text);
  }
  return copy;
}
