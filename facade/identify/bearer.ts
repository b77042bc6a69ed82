import type { IncomingMessage } from 'node:http';
import { Failure } from '@strangler-fig/kernel/failure';

/** Longer tokens are refused unread; those of real issuers have one or two thousand characters. */
const longestToken = 8192;

/** The form of a token68 (RFC 9110, 11.2), of which every signed JWT is one. */
const tokenForm = /^[A-Za-z0-9._~+/-]+=*$/;

/** A request that does not say well enough who makes it. The client is told the code, never the reason. */
export class TokenRefused extends Failure {
  /** A word for the log and for metrics. */
  readonly reason: string;

  constructor(code: 'token_required' | 'token_invalid', reason: string) {
    super(
      code,
      code === 'token_required' ? 'This path needs a bearer token.' : 'The bearer token is not valid here.',
    );
    this.reason = reason;
  }
}

/**
 * The bearer token of a request (RFC 6750, 2.1), from Authorization only; undefined where it has none.
 * @throws TokenRefused where it has something that cannot be one, or two of them.
 */
export function bearerOf(request: IncomingMessage): string | undefined {
  const value = request.headers.authorization;
  if (value === undefined) return undefined;
  if (isRepeated(request.rawHeaders)) throw new TokenRefused('token_invalid', 'repeated');
  const [, scheme, token] = /^([^ ]*)(?: +(.*))?$/s.exec(value) ?? [];
  if (scheme?.toLowerCase() !== 'bearer') return undefined;
  if (token === undefined || token.length > longestToken || !tokenForm.test(token)) {
    throw new TokenRefused('token_invalid', 'malformed');
  }
  return token;
}

/** Whether there is more than one Authorization: node:http keeps the first, another server might keep the last. */
function isRepeated(raw: readonly string[]): boolean {
  let found = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    if (name.length === 13 && name.toLowerCase() === 'authorization') found++;
  }
  return found > 1;
}
