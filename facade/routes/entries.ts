import type { z } from 'zod';
import type { Route } from './model.ts';
import type { Path } from './source.ts';

/** A compiled route, and where its entry is in the file. */
export interface PlacedRoute {
  readonly route: Route;
  readonly path: Path;
}

/**
 * Parses an entry of the file alone. Where only unknown keys are wrong with it, which checkShape reports, it is
 * parsed without them and not `complete`.
 */
export function tolerant<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { entry: T | undefined; complete: boolean } {
  const result = schema.safeParse(value);
  if (result.success) return { entry: result.data, complete: true };
  const { issues } = result.error;
  const copy = structuredClone(value);
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') return { entry: undefined, complete: false };
    let parent: unknown = copy;
    for (const step of issue.path) parent = (parent as Record<PropertyKey, unknown>)[step];
    for (const key of issue.keys) delete (parent as Record<string, unknown>)[key];
  }
  return { entry: schema.safeParse(copy).data, complete: false };
}

/** A mapping of the file, or an empty one where something else stands. */
export function mapping(value: unknown): Record<string, unknown> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMapping ? (value as Record<string, unknown>) : {};
}
