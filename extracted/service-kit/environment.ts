/** A setting that is missing or wrong. Its message is one line that names the variable and what to set. */
export class ConfigurationError extends Error {
  readonly code = 'configuration_invalid';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(`${message} ${hint}`);
    this.name = 'ConfigurationError';
    this.hint = hint;
  }
}

type Variables = Record<string, string | undefined>;

/** A port, 0..65535; 0 means any free one. */
export function portFrom(variables: Variables, name: string, fallback: number): number {
  return integerFrom(variables, name, { fallback, min: 0, max: 65_535 });
}

/** A whole number within bounds (both inclusive). */
export function integerFrom(
  variables: Variables,
  name: string,
  bounds: { fallback: number; min: number; max: number },
): number {
  const text = variables[name];
  if (text === undefined || text === '') return bounds.fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw new ConfigurationError(
    `${name} is "${text}".`,
    `Set ${name} to a whole number from ${bounds.min} to ${bounds.max}.`,
  );
}

/** A database URL: `sqlite:<path>` or `postgres://…`. The value is never repeated in the error: it may hold a password. */
export function databaseUrlFrom(variables: Variables, name: string, fallback: string): string {
  const url = variables[name] || fallback;
  if (/^sqlite:./.test(url)) return url;
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new ConfigurationError(
    `${name} is not a database URL.`,
    `Set ${name} to sqlite:<path> or postgres://….`,
  );
}

/** The http(s) origin of another service, without a path. */
export function originFrom(variables: Variables, name: string, fallback: string): string {
  const text = variables[name] || fallback;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/') return url.origin;
  throw new ConfigurationError(
    `${name} is not an http(s) origin.`,
    `Set ${name} to a URL such as http://127.0.0.1:4101.`,
  );
}

/**
 * What callers are recognised by: where each issuer publishes its keys, or IDENTITY_SECRET, which all share then.
 * @param issuers the variable with the URL of each issuer's JWKS, by the issuer's name.
 */
export function identityKeysFrom(
  variables: Variables,
  issuers: Readonly<Record<string, string>>,
): { jwks: Record<string, string> } | { secret: string } {
  const secret = variables.IDENTITY_SECRET ?? '';
  const given = Object.values(issuers).filter((name) => variables[name]);
  if (secret !== '' && given.length > 0) {
    throw new ConfigurationError(
      `IDENTITY_SECRET and ${given.join(' and ')} are both set.`,
      'Set one: with a secret, every service could sign as the facade.',
    );
  }
  if (secret !== '') {
    if (secret.length >= 32) return { secret };
    throw new ConfigurationError(
      'IDENTITY_SECRET is too short.',
      'Set it to the secret of at least 32 characters that the facade signs identities with.',
    );
  }
  const jwks = Object.entries(issuers).map(([issuer, name]) => [
    issuer,
    keysUrlFrom(variables, name, issuer),
  ]);
  return { jwks: Object.fromEntries(jwks) };
}

function keysUrlFrom(variables: Variables, name: string, issuer: string): string {
  const text = variables[name] ?? '';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href;
  throw new ConfigurationError(
    text === '' ? `${name} is not set.` : `${name} is not an http(s) URL.`,
    `Set ${name} to where ${issuer} publishes its keys, such as http://127.0.0.1:8081/.well-known/jwks.json.`,
  );
}

/** HOST to listen on; this machine only unless set. */
export function hostFrom(variables: Variables): string {
  return variables.HOST || '127.0.0.1';
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** LOG_LEVEL of pino; info unless set. */
export function logLevelFrom(variables: Variables): string {
  const level = variables.LOG_LEVEL || 'info';
  if (levels.includes(level)) return level;
  throw new ConfigurationError(`LOG_LEVEL is "${level}".`, `Set LOG_LEVEL to one of ${levels.join(', ')}.`);
}
