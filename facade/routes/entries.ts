import type { z } from 'zod';
import type { Route } from './model.ts';
import { parts, type RouteEntry } from './schema.ts';
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

const valid = new WeakMap<object, RouteEntry>();

/** Parses an entry of `routes`. A value that is valid is parsed once: unchanged entries of a file keep their values. */
export function parseRoute(
  value: unknown,
): { readonly entry: RouteEntry } | { readonly issues: readonly z.core.$ZodIssue[] } {
  const known = knownRoute(value);
  if (known !== undefined) return { entry: known };
  const result = parts.route.safeParse(value);
  if (!result.success) return { issues: result.error.issues };
  if (typeof value === 'object' && value !== null) valid.set(value, result.data);
  return { entry: result.data };
}

/** What parseRoute made of a valid entry. */
export function knownRoute(value: unknown): RouteEntry | undefined {
  return typeof value === 'object' && value !== null ? valid.get(value) : undefined;
}

/** A mapping of the file, or an empty one where something else stands. */
export function mapping(value: unknown): Record<string, unknown> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMapping ? (value as Record<string, unknown>) : {};
}
