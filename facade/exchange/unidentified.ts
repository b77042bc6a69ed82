import type { Failure } from '@strangler-fig/kernel/failure';
import { TokenRefused } from '../identify/bearer.ts';
import type { OwnAnswer } from './gate.ts';

/** What a client is told whose request does not say, or of whom the facade cannot find out, who makes it. */
export function unidentified(error: Failure, route: string): OwnAnswer {
  if (error instanceof TokenRefused) return refusal(error, route);
  const title = 'The caller could not be identified';
  return {
    problem: { status: 503, code: error.code, title, detail: error.line, route },
    headers: { 'retry-after': '1' },
  };
}

/** RFC 6750, 3: a request without a token is told what to bring, one with a bad token that it is bad. */
function refusal({ code, line }: TokenRefused, route: string): OwnAnswer {
  const invalid = code === 'token_invalid';
  return {
    problem: {
      status: 401,
      code,
      title: invalid ? 'The token is not valid' : 'A token is required',
      detail: line,
      route,
    },
    headers: { 'www-authenticate': invalid ? 'Bearer error="invalid_token"' : 'Bearer' },
  };
}
