import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Problem } from '@strangler-fig/kernel/problem';

/** Why a request may not change anything, or undefined where it may. */
export function refusal(request: IncomingMessage, token: string | undefined): Problem | undefined {
  if (token === undefined) {
    return {
      status: 403,
      code: 'token_not_configured',
      title: 'Changes are not allowed here',
      detail: 'Start sync-jobs with FIG_TOKEN to allow requests that change something.',
    };
  }
  const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given !== undefined && sameSecret(given, token)) return undefined;
  return {
    status: 401,
    code: 'token_required',
    title: 'A valid token is required',
    detail:
      given === undefined
        ? 'Send the value of FIG_TOKEN as "Authorization: Bearer <token>".'
        : 'The token that was sent is another one than sync-jobs was started with.',
  };
}

/** In constant time; hashed first, because the comparison needs equal lengths. */
function sameSecret(left: string, right: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(left), hash(right));
}
