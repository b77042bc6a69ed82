import { checkPath } from './compile-backend.ts';
import { durationInMilliseconds } from './duration.ts';
import { mapping, type PlacedRoute, tolerant } from './entries.ts';
import type { IdentitySettings } from './model.ts';
import type { Report } from './report.ts';
import { parts } from './schema.ts';
import { pathKey } from './source.ts';

/** Compiles the file's `identity`; undefined without one. */
export function compileIdentity(value: unknown, report: Report): IdentitySettings | undefined {
  const { entry } = tolerant(parts.identity, value);
  if (value === undefined || entry === undefined) return undefined;
  const { secret, session } = entry;
  if (session === undefined) return Object.freeze({ secret, session: undefined });
  const path = ['identity', 'session'];
  checkPath(session.path, [...path, 'path'], report);
  const cache = session.cache === undefined ? 5000 : durationInMilliseconds(session.cache);
  return Object.freeze({ secret, session: Object.freeze({ ...session, cache }) });
}

const secretPath = ['identity', 'secret'];
const minSecretLength = 32;

/** What needs an identity must have one to work with. */
export function checkIdentity(
  file: Record<string, unknown>,
  routes: readonly PlacedRoute[],
  secrets: 'required' | 'optional',
  report: Report,
): void {
  const signed = Object.entries(mapping(file.backends)).filter(
    ([, entry]) => mapping(entry).identity === true,
  );
  if (file.identity === undefined) {
    for (const [name] of signed) {
      report.problem(
        'identity_missing',
        report.source.valueAt(['backends', name, 'identity']),
        `Backend "${name}" wants signed identities, and nothing says how they are signed.`,
        `At the top level, add: identity: { secret: "\${IDENTITY_SECRET}" }`,
      );
    }
  }
  if (mapping(file.identity).session === undefined) {
    for (const { route, path } of routes) {
      if (route.auth !== 'session') continue;
      report.problem(
        'identity_missing',
        report.source.valueAt([...path, 'auth']),
        `Route "${route.name}" identifies callers by their session, and nothing says where sessions are resolved.`,
        'At the top level, add to "identity": session: { cookie: …, backend: …, path: … }',
      );
    }
  }
  const { secret } = mapping(file.identity);
  if (typeof secret === 'string') checkSecret(secret, signed.length > 0, secrets, report);
}

function checkSecret(
  secret: string,
  needed: boolean,
  secrets: 'required' | 'optional',
  report: Report,
): void {
  const at = report.source.valueAt(secretPath);
  const written = report.source.textAt(secretPath) ?? '';
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
  if (report.source.unresolved.has(pathKey(secretPath))) {
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
export function checkStickyCookies(
  routes: readonly PlacedRoute[],
  identity: IdentitySettings | undefined,
  report: Report,
): void {
  for (const { route, path } of routes) {
    if (route.sticky?.by !== 'cookie' || route.sticky.name !== identity?.session?.cookie) continue;
    report.problem(
      'sticky_session_cookie',
      report.source.valueAt([...path, 'sticky', 'cookie']),
      `Route "${route.name}" sticks to the session cookie, which the facade would then set itself.`,
      'Leave "sticky" out: clients get a cookie of their own, strangler_id.',
    );
  }
}
