import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { durationInMilliseconds } from '../routes/duration.ts';
import type { Report } from '../routes/report.ts';
import { type JwtEntry, secretLengths } from './jwt-schema.ts';
import { mostKeyBytes, publicKeysIn } from './public-keys.ts';

/** How bearer tokens are verified. */
export interface JwtSettings {
  readonly keys:
    | { readonly kind: 'jwks'; readonly url: string }
    | { readonly kind: 'file'; readonly file: string }
    | { readonly kind: 'secret'; readonly secret: string };
  readonly algorithms: readonly string[];
  readonly issuer: string;
  /** Of which a token must name one. */
  readonly audience: readonly string[];
  /** Milliseconds. Default 5 s. */
  readonly clockTolerance: number;
  /** The claim that is the user's id. */
  readonly userId: string;
  readonly role: string;
}

const at = (key: string) => ['identity', 'jwt', key];

/**
 * Compiles `identity.jwt`.
 * @param secrets 'optional': a file of keys may be missing, as on a machine that only checks routes.yaml.
 */
export function compileJwt(entry: JwtEntry, secrets: 'required' | 'optional', report: Report): JwtSettings {
  const { algorithms, issuer, audience, clockTolerance = '5s', userId = 'sub', role = 'role' } = entry;
  checkAlgorithms(entry, report);
  return Object.freeze({
    keys: Object.freeze(keysOf(entry, secrets, report)),
    algorithms: Object.freeze([...algorithms]),
    issuer,
    audience: Object.freeze(typeof audience === 'string' ? [audience] : [...audience]),
    clockTolerance: durationInMilliseconds(clockTolerance),
    userId,
    role,
  });
}

/** The least length of the secret that an entry has, for its algorithms. */
export function leastSecretLength({ algorithms }: Pick<JwtEntry, 'algorithms'>): number {
  const lengths: Readonly<Record<string, number>> = secretLengths;
  return Math.max(...algorithms.map((algorithm) => lengths[algorithm] ?? 0), secretLengths.HS256);
}

/** A public key that were also taken for a secret would let everybody sign who can read it. */
function checkAlgorithms({ algorithms, secret }: JwtEntry, report: Report): void {
  const wrong = algorithms.filter((algorithm) => algorithm.startsWith('HS') !== (secret !== undefined));
  if (wrong.length === 0) return;
  const [what, hint] =
    secret === undefined
      ? [
          'a shared secret, and here are public keys',
          'Name those that the issuer signs with, such as RS256 or ES256.',
        ]
      : ['public keys, and here is a shared secret', 'With a secret name HS256, HS384 or HS512.'];
  report.problem(
    'jwt_algorithms_mixed',
    report.source.valueAt(at('algorithms')),
    `${wrong.join(', ')} ${wrong.length === 1 ? 'is' : 'are'} for ${what}.`,
    hint,
  );
}

function keysOf(
  { jwks, publicKeys, secret }: JwtEntry,
  secrets: 'required' | 'optional',
  report: Report,
): JwtSettings['keys'] {
  if (secret !== undefined) return { kind: 'secret', secret };
  if (jwks !== undefined) {
    checkUrl(jwks, report);
    return { kind: 'jwks', url: jwks };
  }
  // That there is none of the three is reported elsewhere.
  if (publicKeys === undefined) return { kind: 'secret', secret: '' };
  const file = path.resolve(report.folder, publicKeys);
  const wrong = wrongWith(file, secrets);
  if (wrong !== undefined) {
    report.problem(
      'jwt_keys_unusable',
      report.source.valueAt(at('publicKeys')),
      `The public keys in ${file} cannot be used: ${wrong}.`,
      'Give a file with the public keys of whoever issues the tokens, as a JWKS or PEM.',
    );
  }
  return { kind: 'file', file };
}

function checkUrl(text: string, report: Report): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const place = report.source.valueAt(at('jwks'));
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    report.problem(
      'bad_url',
      place,
      'The URL of the JWKS is not an http or https URL without credentials.',
      'Such as https://login.example/.well-known/jwks.json.',
    );
  } else if (url.protocol === 'http:' && !/^(?:localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)) {
    report.warning(
      'jwks_not_encrypted',
      place,
      'The JWKS is fetched over plain http: whoever is on the way can put in a key of their own.',
      'Use https.',
    );
  }
}

function wrongWith(file: string, secrets: 'required' | 'optional'): string | undefined {
  try {
    if (statSync(file).size > mostKeyBytes) return `it has more than ${mostKeyBytes} bytes`;
    publicKeysIn(readFileSync(file, 'utf8'));
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return secrets === 'optional' ? undefined : 'there is no such file';
    return code ?? message;
  }
}
