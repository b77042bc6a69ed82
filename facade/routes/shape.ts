import { z } from 'zod';
import { mapping, parseRoute } from './entries.ts';
import type { RouteProblem } from './problem.ts';
import { type RoutesFile, routesFile } from './schema.ts';
import type { Steps } from './slices.ts';
import { type Path, pathKey, type Source } from './source.ts';
import { expected, isWrongKind, problemsOf, valueAt } from './wording.ts';

type Issue = z.core.$ZodIssue;

export interface Shape {
  /** The file's value without its routes, where all of it has the shape of the schema. */
  readonly file: Omit<RoutesFile, 'routes'> | undefined;
  /** The file's value in any case, with substituted values turned into the types that the schema asks for. */
  readonly value: unknown;
  readonly problems: readonly RouteProblem[];
}

/** Compares what the file holds with the schema, and says all that differs in words, at its place. */
export function* checkShape(source: Source): Steps<Shape> {
  let { value } = source;
  let result = yield* parseFile(value);
  if ('file' in result) return { file: result.file, value, problems: [] };
  let issues = flatten(result.issues, [], value);
  const converted = convertSubstituted(source, issues, value);
  if (converted !== undefined) {
    value = converted;
    result = yield* parseFile(value);
    if ('file' in result) return { file: result.file, value, problems: [] };
    issues = flatten(result.issues, [], value);
  }
  const open = issues.filter((issue) => !source.unresolved.has(pathKey(issue.path)));
  return { file: undefined, value, problems: open.flatMap((issue) => problemsOf(issue, source, value)) };
}

/** What is left of the file's schema where the routes are parsed one by one. */
const frame = z.strictObject({ ...routesFile.shape, routes: z.unknown() });

function* parseFile(
  value: unknown,
): Steps<{ readonly file: Omit<RoutesFile, 'routes'> } | { readonly issues: readonly Issue[] }> {
  const { routes } = mapping(value);
  if (!Array.isArray(routes) || routes.length === 0) {
    const whole = routesFile.safeParse(value);
    return whole.success ? { file: whole.data } : { issues: whole.error.issues };
  }
  const rest = frame.safeParse(value);
  const issues: Issue[] = rest.success ? [] : [...rest.error.issues];
  for (const [index, entry] of routes.entries()) {
    yield;
    const result = parseRoute(entry);
    if ('entry' in result) continue;
    for (const issue of result.issues) issues.push({ ...issue, path: ['routes', index, ...issue.path] });
  }
  return rest.success && issues.length === 0 ? { file: rest.data } : { issues };
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
  let converted = value;
  for (const issue of convertible) {
    const text = String(valueAt(value, issue.path));
    const wanted = issue.code === 'invalid_type' ? issue.expected : '';
    if (wanted === 'boolean' && (text === 'true' || text === 'false'))
      converted = withValue(converted, issue.path, text === 'true');
    if ((wanted === 'number' || wanted === 'int') && /^-?[0-9]{1,9}$/.test(text))
      converted = withValue(converted, issue.path, Number(text));
  }
  return converted;
}

/** A copy with another value at a path; what is beside the path is not copied. */
function withValue(value: unknown, [step, ...rest]: Path, replacement: unknown): unknown {
  if (step === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<PropertyKey, unknown>;
  copy[step] = withValue(copy[step], rest, replacement);
  return copy;
}
