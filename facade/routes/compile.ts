import { checkedDuration, checkPath, compileBackend } from './compile-backend.ts';
import { compileRoute } from './compile-route.ts';
import { checkConflicts } from './conflicts.ts';
import type { Backend, IdentitySettings, Route } from './model.ts';
import type { Report } from './report.ts';
import { type BackendEntry, type IdentityEntry, parts, type RouteEntry } from './schema.ts';
import { type Path, pathKey, type Source } from './source.ts';
import { suggestion } from './suggest.ts';

/** The parts of a table that come out of the file. */
export interface Compiled {
  readonly backends: ReadonlyMap<string, Backend>;
  readonly routes: readonly Route[];
  readonly identity: IdentitySettings | undefined;
}

/**
 * Compiles what the file holds, as far as it can be understood: a bad route does not keep the others from
 * being checked, so that everything wrong is reported at once.
 * @param value the whole file's value, whether or not it has the schema's shape.
 * @param secrets 'optional': the identity's secret may be absent, as on a machine that only checks the file.
 */
export function compile(
  value: unknown,
  source: Source,
  report: Report,
  secrets: 'required' | 'optional',
): Compiled {
  const file = mapping(value);
  const backendEntries = mapping(file.backends);
  const routeEntries = Array.isArray(file.routes) ? file.routes : [];

  const names = Object.keys(backendEntries);
  if ('backends' in file && names.length === 0 && file.backends === backendEntries) {
    report.problem(
      'no_backends',
      source.valueAt(['backends']),
      'There are no backends.',
      'Name at least the monolith.',
    );
  }
  const backends = compileBackends(backendEntries, source, report);
  const routes = compileRoutes(routeEntries, source, report);
  checkReferences(names, routeEntries, file.identity, source, report);
  checkNames(routeEntries, source, report);
  const identity = compileIdentity(file.identity, source, report);
  checkIdentity(identity, file, backends, routes, secrets, source, report);
  checkStickyCookies(routes, identity, source, report);
  warn(routes, source, report);
  return { backends, routes: routes.map(({ route }) => route), identity };
}

interface PlacedRoute {
  readonly route: Route;
  readonly path: Path;
}

function compileBackends(
  entries: Record<string, unknown>,
  source: Source,
  report: Report,
): Map<string, Backend> {
  const backends = new Map<string, Backend>();
  for (const [name, value] of Object.entries(entries)) {
    const { entry } = tolerant<BackendEntry>(parts.backend, value);
    if (entry !== undefined) backends.set(name, compileBackend(name, entry, source, report));
  }
  return backends;
}

function compileRoutes(entries: readonly unknown[], source: Source, report: Report): PlacedRoute[] {
  const placed: PlacedRoute[] = [];
  const comparable: Route[] = [];
  entries.forEach((value, index) => {
    const { entry, complete } = tolerant<RouteEntry>(parts.route, value);
    if (entry === undefined) return;
    const path = ['routes', index];
    const route = compileRoute(entry, path, complete, source, report);
    if (route === undefined) return;
    placed.push({ route, path });
    if (complete) comparable.push(route);
  });
  checkConflicts(comparable, report);
  return placed;
}

/** Parses an entry; where only unknown keys are wrong with it, which the schema reports, without those. */
function tolerant<T>(
  schema: {
    safeParse(value: unknown):
      | { success: true; data: unknown }
      | {
          success: false;
          error: { issues: readonly { code?: string; path: PropertyKey[]; keys?: string[] }[] };
        };
  },
  value: unknown,
): { entry: T | undefined; complete: boolean } {
  const result = schema.safeParse(value);
  if (result.success) return { entry: result.data as T, complete: true };
  const { issues } = result.error;
  if (!issues.every((issue) => issue.code === 'unrecognized_keys'))
    return { entry: undefined, complete: false };
  const copy = structuredClone(value);
  for (const issue of issues) {
    const parent = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)[step], copy);
    for (const key of issue.keys ?? []) delete (parent as Record<string, unknown>)[key];
  }
  const again = schema.safeParse(copy);
  return { entry: again.success ? (again.data as T) : undefined, complete: false };
}

/** Every backend that is named must exist; read from the raw entries, so that other mistakes do not hide it. */
function checkReferences(
  names: readonly string[],
  entries: readonly unknown[],
  identity: unknown,
  source: Source,
  report: Report,
): void {
  const check = (named: unknown, where: Path, key: boolean, what: string) => {
    if (typeof named !== 'string' || names.includes(named) || source.unresolved.has(pathKey(where))) return;
    const at = key ? source.keyAt(where) : source.valueAt(where);
    const hint = names.length === 0 ? 'There are no backends.' : suggestion(named, names);
    report.problem('unknown_backend', at, `${what} "${named}", which is not a backend.`, hint);
  };
  entries.forEach((entry, index) => {
    const { name, to, compare } = mapping(entry);
    const path = ['routes', index];
    const route = typeof name === 'string' ? `Route "${name}"` : `Route ${index + 1}`;
    check(to, [...path, 'to'], false, `${route} goes to`);
    for (const backend of Object.keys(mapping(to)))
      check(backend, [...path, 'to', backend], true, `${route} goes to`);
    check(compare, [...path, 'compare'], false, `${route} compares with`);
  });
  const { backend } = mapping(mapping(identity).session);
  check(backend, ['identity', 'session', 'backend'], false, 'The session is resolved at');
}

function checkNames(entries: readonly unknown[], source: Source, report: Report): void {
  const lines = new Map<string, number>();
  entries.forEach((entry, index) => {
    const { name } = mapping(entry);
    if (typeof name !== 'string') return;
    const at = source.valueAt(['routes', index, 'name']);
    const first = lines.get(name);
    if (first === undefined) lines.set(name, at.line);
    else {
      report.problem(
        'duplicate_name',
        at,
        `Two routes are named "${name}"; the first is in line ${first}.`,
        'Logs and metrics tell routes apart by name: rename one.',
      );
    }
  });
}

function compileIdentity(value: unknown, source: Source, report: Report): IdentitySettings | undefined {
  const { entry } = tolerant<IdentityEntry>(parts.identity, value);
  if (value === undefined || entry === undefined) return undefined;
  const { secret, session } = entry;
  if (session === undefined) return Object.freeze({ secret, session: undefined });
  const path = ['identity', 'session'];
  checkPath(session.path, [...path, 'path'], source, report);
  const cache =
    session.cache === undefined
      ? 5000
      : checkedDuration(session.cache, [...path, 'cache'], 0, source, report);
  return Object.freeze({ secret, session: Object.freeze({ ...session, cache }) });
}

const secretPath = ['identity', 'secret'];
const minSecretLength = 32;

/** What needs an identity must have one to work with. */
function checkIdentity(
  identity: IdentitySettings | undefined,
  file: Record<string, unknown>,
  backends: ReadonlyMap<string, Backend>,
  routes: readonly PlacedRoute[],
  secrets: 'required' | 'optional',
  source: Source,
  report: Report,
): void {
  const signed = [...backends.values()].filter((backend) => backend.identity);
  if (file.identity === undefined) {
    for (const { name } of signed) {
      report.problem(
        'identity_missing',
        source.valueAt(['backends', name, 'identity']),
        `Backend "${name}" wants signed identities, and nothing says how they are signed.`,
        `Add "identity: { secret: "\${IDENTITY_SECRET}" }" at the top level.`,
      );
    }
  }
  if (mapping(file.identity).session === undefined) {
    for (const { route, path } of routes) {
      if (route.auth !== 'session') continue;
      report.problem(
        'identity_missing',
        source.valueAt([...path, 'auth']),
        `Route "${route.name}" identifies callers by their session, and nothing says where sessions are resolved.`,
        'Add "identity: { session: { cookie: …, backend: …, path: … } }" at the top level.',
      );
    }
  }
  if (identity !== undefined) checkSecret(identity.secret, signed.length > 0, secrets, source, report);
}

function checkSecret(
  secret: string,
  needed: boolean,
  secrets: 'required' | 'optional',
  source: Source,
  report: Report,
): void {
  const at = source.valueAt(secretPath);
  const written = source.textAt(secretPath) ?? '';
  if (!/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(written)) {
    report.problem(
      'secret_in_file',
      at,
      'The identity secret stands in the file.',
      `Write "\${IDENTITY_SECRET}", and set that variable: secrets come from the environment only.`,
    );
    return;
  }
  if (!needed) return;
  const variable = written.slice(2, -1);
  const how = `Set ${variable} to at least ${minSecretLength} random characters, such as the output of: openssl rand -hex 32`;
  if (source.unresolved.has(pathKey(secretPath))) {
    if (secrets === 'optional') return;
    report.problem('variable_not_set', at, `The environment variable ${variable} is not set.`, how);
  } else if (secret.length < minSecretLength) {
    report.problem(
      'secret_too_short',
      at,
      `The secret in ${variable} has fewer than ${minSecretLength} characters.`,
      how,
    );
  }
}

/** The facade issues the sticky cookie to those who lack it; that must not log anybody out. */
function checkStickyCookies(
  routes: readonly PlacedRoute[],
  identity: IdentitySettings | undefined,
  source: Source,
  report: Report,
): void {
  for (const { route, path } of routes) {
    if (route.sticky?.by !== 'cookie' || route.sticky.name !== identity?.session?.cookie) continue;
    report.problem(
      'sticky_session_cookie',
      source.valueAt([...path, 'sticky', 'cookie']),
      `Route "${route.name}" sticks to the session cookie, which the facade would then set itself.`,
      'Leave "sticky" out: clients get a cookie of their own, strangler_id.',
    );
  }
}

function warn(routes: readonly PlacedRoute[], source: Source, report: Report): void {
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
      source.keyAt([...path, 'sticky']),
      `Route "${route.name}" goes to one backend, so "sticky" does nothing.`,
    );
  }
}

function mapping(value: unknown): Record<string, unknown> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMapping ? (value as Record<string, unknown>) : {};
}
