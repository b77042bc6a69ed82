import { withInvalidation } from '../cache/compile-cache.ts';
import { checkCors } from '../cors/compile-cors.ts';
import { checkFaults } from '../faults/compile-faults.ts';
import { compileLimits, type FileLimits } from '../limit/compile-limits.ts';
import { compileSharedRateLimits, warnOfUnusedRateLimits } from '../limit/compile-rate-limits.ts';
import { compileTls, type TlsSettings } from '../receive/tls/compile-tls.ts';
import { compileDocuments, type LoadedDocument } from '../validate/documents.ts';
import { checkBackend, compileBackend } from './compile-backend.ts';
import { compileEntries, type Surroundings, sameSurroundings } from './compile-entries.ts';
import { checkIdentity, checkStickyCookies, compileIdentity } from './compile-identity.ts';
import { checkConflicts } from './conflicts.ts';
import { mapping, type PlacedRoute, tolerant } from './entries.ts';
import type { Backend, IdentitySettings, Route } from './model.ts';
import { warnOfOtherSpellings } from './other-spellings.ts';
import { checkNames, checkReferences } from './references.ts';
import type { Report } from './report.ts';
import { parts } from './schema.ts';
import type { Steps } from './slices.ts';

/** The parts of a table that come out of the file. */
export interface Compiled {
  readonly backends: ReadonlyMap<string, Backend>;
  readonly routes: readonly Route[];
  readonly identity: IdentitySettings | undefined;
  /** For the next compilation. */
  readonly surroundings: Surroundings;
  readonly limits: FileLimits;
  readonly documents: ReadonlyMap<string, LoadedDocument>;
  readonly tls: TlsSettings | undefined;
}

/**
 * Compiles what the file holds, as far as it can be understood: a bad route does not keep the others from
 * being checked, so that everything wrong is reported at once.
 * @param value the whole file's value, whether or not it has the schema's shape.
 * @param secrets 'optional': the identity's secret may be absent, as on a machine that only checks the file.
 * @param before the surroundings of an earlier compilation of the file.
 */
export function* compile(
  value: unknown,
  report: Report,
  secrets: 'required' | 'optional',
  before?: Surroundings,
): Steps<Compiled> {
  const file = mapping(value);
  const backendEntries = mapping(file.backends);
  const routeEntries = Array.isArray(file.routes) ? file.routes : [];

  const names = Object.keys(backendEntries);
  if ('backends' in file && names.length === 0 && file.backends === backendEntries) {
    report.problem(
      'no_backends',
      report.source.valueAt(['backends']),
      'There are no backends.',
      'Name at least the monolith.',
    );
  }
  const backends = compileBackends(backendEntries, report);
  const cors = file.cors === undefined ? undefined : tolerant(parts.cors, file.cors).entry;
  if (cors !== undefined) checkCors(cors, ['cors'], report);
  const rateLimits = compileSharedRateLimits(file.rateLimits);
  const limits = compileLimits(file, report);
  const tls = compileTls(file.tls, report);
  const paths = tolerant(parts.paths, file.paths ?? {}).entry;
  const surroundings = sameSurroundings({ paths, defaults: { cors, rateLimits } }, before);
  const routes = yield* compileEntries(routeEntries, surroundings, report);
  const comparable = routes.filter(({ complete }) => complete).map(({ route }) => route);
  yield* checkConflicts(comparable, report);
  yield* checkReferences(names, routeEntries, file.identity, report);
  checkNames(routeEntries, report);
  yield;
  const identity = compileIdentity(file.identity, secrets, report);
  checkIdentity(file, routes, secrets, report);
  checkStickyCookies(routes, identity, report);
  checkFaults(routes, file.allowFaults, report);
  const documents = yield* compileDocuments(routes, report);
  const compiled = withInvalidation(routes.map(({ route }) => route));
  warnOfUnusedRateLimits(surroundings.defaults.rateLimits, compiled, report);
  warn(routes, report);
  // Whoever loads a file again does not ask for warnings.
  if (before === undefined) yield* warnOfOtherSpellings(routes, report);
  return { backends, routes: compiled, identity, limits, tls, documents, surroundings };
}

function compileBackends(entries: Record<string, unknown>, report: Report): Map<string, Backend> {
  const backends = new Map<string, Backend>();
  for (const [name, value] of Object.entries(entries)) {
    const { entry } = tolerant(parts.backend, value);
    if (mapping(value) === value) checkBackend(name, value as Record<string, unknown>, report);
    if (entry !== undefined) backends.set(name, compileBackend(name, entry));
  }
  return backends;
}

function warn(routes: readonly PlacedRoute[], report: Report): void {
  const catchAll = routes.some(
    ({ route: { match } }) =>
      match.host === undefined &&
      match.path.kind === 'elements' &&
      match.path.prefix &&
      match.path.elements.length === 0 &&
      match.methods === undefined &&
      match.headers.length + match.query.length + match.cookies.length === 0,
  );
  if (!catchAll) {
    report.warning(
      'no_catch_all',
      undefined,
      'Requests that no route matches are answered with 404 by the facade.',
      'Add a route with "path: /*" to the monolith.',
    );
  }
  for (const { route, path } of routes) {
    if (route.sticky === undefined || route.shares.length > 1) continue;
    report.warning(
      'sticky_without_weights',
      report.source.keyAt([...path, 'sticky']),
      `Route "${route.name}" goes to one backend, so "sticky" does nothing.`,
    );
  }
}
