import { mapping } from './entries.ts';
import type { Report } from './report.ts';
import type { Steps } from './slices.ts';
import { type Path, pathKey } from './source.ts';
import { suggestion } from './suggest.ts';

/** Every backend that is named must exist; read from the raw entries, so that other mistakes do not hide it. */
export function* checkReferences(
  names: readonly string[],
  entries: readonly unknown[],
  identity: unknown,
  report: Report,
): Steps<void> {
  const known = new Set(names);
  const check = (named: unknown, where: Path, key: boolean, what: string) => {
    if (typeof named !== 'string' || known.has(named) || report.source.unresolved.has(pathKey(where))) return;
    const at = key ? report.source.keyAt(where) : report.source.valueAt(where);
    const hint = names.length === 0 ? 'There are no backends.' : suggestion(named, names);
    report.problem('unknown_backend', at, `${what} "${named}", which is not a backend.`, hint);
  };
  for (const [index, entry] of entries.entries()) {
    yield;
    const { name, to, compare, fallback } = mapping(entry);
    const path = ['routes', index];
    const route = typeof name === 'string' ? `Route "${name}"` : `Route ${index + 1}`;
    check(to, [...path, 'to'], false, `${route} goes to`);
    for (const backend of Object.keys(mapping(to)))
      check(backend, [...path, 'to', backend], true, `${route} goes to`);
    check(compare, [...path, 'compare'], false, `${route} compares with`);
    check(fallback, [...path, 'fallback'], false, `${route} falls back to`);
    const other = mapping(compare).with;
    check(other, [...path, 'compare', 'with'], false, `${route} compares with`);
  }
  const { backend } = mapping(mapping(identity).session);
  check(backend, ['identity', 'session', 'backend'], false, 'The session is resolved at');
}

/** Two routes of one name could not be told apart. */
export function checkNames(entries: readonly unknown[], report: Report): void {
  const placeOf = (index: number) => report.source.valueAt(['routes', index, 'name']);
  const named = new Map<string, number>();
  entries.forEach((entry, index) => {
    const { name } = mapping(entry);
    if (typeof name !== 'string') return;
    const first = named.get(name);
    if (first === undefined) named.set(name, index);
    else {
      report.problem(
        'duplicate_name',
        placeOf(index),
        `Two routes are named "${name}"; the first is in line ${placeOf(first).line}.`,
        'Logs and metrics tell routes apart by name: rename one.',
      );
    }
  });
}
