import { hash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Checked } from '../exchange/checked.ts';
import { anonymous, type Caller } from '../identify/caller.ts';
import { cookieValue } from '../identify/cookie.ts';
import { firstOf } from './address-ranges.ts';
import type { RateLimit } from './rate-limit.ts';

/** Whose bucket of a limit a request is charged to. API keys and cookies are in it as a digest only. */
export async function userKey(limit: RateLimit, checked: Checked): Promise<string> {
  const { userId } = await callerOf(checked);
  return userId === undefined ? addressKey(limit, checked) : keyOf(limit, `user ${userId}`);
}

/** The same for limits that do not ask who the user is. */
export function plainKey(limit: RateLimit, checked: Checked): string {
  const { by } = limit;
  const { headers } = checked.request;
  let value: string | undefined;
  if (by.kind === 'everyone') return keyOf(limit, '');
  if (by.kind === 'header') value = headers[by.name]?.toString();
  if (by.kind === 'cookie') value = cookieValue(headers.cookie, by.name);
  return value === undefined || value === ''
    ? addressKey(limit, checked)
    : keyOf(limit, `${by.kind} ${value}`);
}

/** A network gives each of its hosts at least 2^64 addresses (RFC 4291, 2.5.1): they count as one. */
function addressKey(limit: RateLimit, { received: { address } }: Checked): string {
  return keyOf(limit, `address ${isIP(address) === 6 ? firstOf(address, 64) : address}`);
}

function keyOf({ id }: RateLimit, whose: string): string {
  return `${id}:${hash('sha256', whose, 'base64url').slice(0, 22)}`;
}

/** Nobody goes unlimited because it cannot be found out who it is; whoever needs to know is told why. */
async function callerOf(checked: Checked): Promise<Caller> {
  try {
    return await checked.caller();
  } catch {
    return anonymous;
  }
}
