import path from 'node:path';
import { compileJwt, leastSecretLength } from '../identify/compile-jwt.ts';
import { keyKinds } from '../identify/jwt-schema.ts';
import { checkPath } from './compile-backend.ts';
import { durationInMilliseconds } from './duration.ts';
import { mapping, type PlacedRoute, tolerant } from './entries.ts';
import type { IdentitySettings, IdentitySigning } from './model.ts';
import type { Report } from './report.ts';
import { parts } from './schema.ts';
import { type Path, pathKey } from './source.ts';

/** Compiles the file's `identity`; undefined without one. */
export function compileIdentity(
  value: unknown,
  secrets: 'required' | 'optional',
  report: Report,
): IdentitySettings | undefined {
  const { entry } = tolerant(parts.identity, value);
  if (value === undefined || entry === undefined) return undefined;
  const { session } = entry;
  if (session !== undefined) checkPath(session.path, ['identity', 'session', 'path'], report);
  return Object.freeze({
    signing: signingOf(entry, report.folder),
    jwt: entry.jwt && compileJwt(entry.jwt, secrets, report),
    session:
      session &&
      Object.freeze({
        ...session,
        cache: session.cache === undefined ? 5000 : durationInMilliseconds(session.cache),
      }),
  });
}

function signingOf(
  { keys, secret }: { keys?: string | undefined; secret?: string | undefined },
  folder: string,
): IdentitySigning | undefined {
  if (keys !== undefined) return Object.freeze({ by: 'keys', file: path.resolve(folder, keys) });
  return secret === undefined ? undefined : Object.freeze({ by: 'secret', secret });
}

const minSecretLength = 32;

/** What needs an identity must have one to work with. */
export function checkIdentity(
  file: Record<string, unknown>,
  routes: readonly PlacedRoute[],
  secrets: 'required' | 'optional',
  report: Report,
): void {
  const identity = mapping(file.identity);
  const signed = Object.entries(mapping(file.backends)).filter(
    ([, entry]) => mapping(entry).identity === true,
  );
  if (!('keys' in identity) && !('secret' in identity)) {
    for (const [name] of signed) {
      report.problem(
        'identity_missing',
        report.source.valueAt(['backends', name, 'identity']),
        `Backend "${name}" wants signed identities, and nothing says how they are signed.`,
        'At the top level, add: identity: { keys: identity-keys.json }. The file is made if it is missing.',
      );
    }
  }
  if ('keys' in identity && 'secret' in identity) {
    report.problem(
      'identity_signed_twice',
      report.source.keyAt(['identity', 'secret']),
      'Identities are signed with keys or with a secret, and here are both.',
      'Keep "keys": with a secret, every service could sign as the facade.',
    );
  }
  if ('jwt' in identity) checkKeyKinds(mapping(identity.jwt), report);
  for (const { route, path: at } of routes) checkAuth(route, [...at, 'auth'], identity, report);
  const { secret } = identity;
  if (typeof secret === 'string') {
    const need = {
      length: minSecretLength,
      needed: signed.length > 0,
      suggested: 'IDENTITY_SECRET',
      secrets,
    };
    checkSecret(secret, ['identity', 'secret'], need, report);
  }
  const jwt = tolerant(parts.identity, file.identity).entry?.jwt;
  if (jwt?.secret !== undefined) {
    const needed = routes.some(({ route }) => route.auth?.jwt === true);
    const need = { length: leastSecretLength(jwt), needed, suggested: 'JWT_SECRET', secrets };
    checkSecret(jwt.secret, ['identity', 'jwt', 'secret'], need, report);
  }
}

function checkKeyKinds(jwt: Record<string, unknown>, report: Report): void {
  const given = keyKinds.filter((kind) => kind in jwt);
  if (given.length === 1) return;
  report.problem(
    'jwt_keys_unclear',
    report.source.valueAt(['identity', 'jwt']),
    given.length === 0
      ? 'Nothing says what tokens are verified with.'
      : `Tokens are verified with one of ${given.join(' and ')}, and here are ${given.length}.`,
    'Give one of jwks (a URL), publicKeys (a file) and secret.',
  );
}

function checkAuth(
  { name, auth }: PlacedRoute['route'],
  at: Path,
  identity: Record<string, unknown>,
  report: Report,
): void {
  if (auth === undefined) return;
  const missing = (what: string, hint: string) =>
    report.problem('identity_missing', report.source.valueAt(at), `Route "${name}" ${what}`, hint);
  if (auth.session && identity.session === undefined) {
    missing(
      'identifies callers by their session, and nothing says where sessions are resolved.',
      'At the top level, add to "identity": session: { cookie: …, backend: …, path: … }',
    );
  }
  if (auth.jwt && identity.jwt === undefined) {
    missing(
      'identifies callers by a bearer token, and nothing says how tokens are verified.',
      'At the top level, add to "identity": jwt: { jwks: …, algorithms: […], issuer: …, audience: … }',
    );
  }
  if (auth.required && !auth.jwt) {
    report.problem(
      'auth_required_of_session',
      report.source.valueAt([...at, 'required']),
      `Route "${name}" requires a session, which is the application's to refuse.`,
      'Leave "required" out: the application knows how it answers those who are not logged in.',
    );
  }
}

interface SecretNeed {
  /** At least so many characters. */
  readonly length: number;
  /** Whether anything uses it. */
  readonly needed: boolean;
  /** The variable to name where the file names none. */
  readonly suggested: string;
  readonly secrets: 'required' | 'optional';
}

function checkSecret(
  secret: string,
  path: Path,
  { length, needed, suggested, secrets }: SecretNeed,
  report: Report,
): void {
  const at = report.source.valueAt(path);
  const written = report.source.textAt(path) ?? '';
  if (!/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(written)) {
    report.problem(
      'secret_in_file',
      at,
      `The ${path.at(-2) === 'jwt' ? 'secret of tokens' : 'identity secret'} stands in the file.`,
      `Write "\${${suggested}}", and set that variable: secrets come from the environment only.`,
    );
    return;
  }
  if (!needed) return;
  const variable = written.slice(2, -1);
  const how = `Set ${variable} to at least ${length} random characters, such as the output of: openssl rand -hex ${Math.max(32, length / 2)}`;
  if (report.source.unresolved.has(pathKey(path))) {
    if (secrets === 'optional') return;
    report.problem('variable_not_set', at, `The environment variable ${variable} is not set.`, how);
  } else if (secret.length < length) {
    report.problem(
      'secret_too_short',
      at,
      `The secret in ${variable} has fewer than ${length} characters.`,
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
