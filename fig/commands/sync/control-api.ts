import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { userInfo } from 'node:os';
import { Failure } from '@strangler-fig/kernel/failure';
import type { GroupStatus } from '@strangler-fig/sync-jobs/runner/status';

/** Where sync-jobs listens, as an option of every command that asks it. */
export const urlOption = [
  '--url <url>',
  'where sync-jobs listens (SYNC_URL)',
  process.env.SYNC_URL || 'http://127.0.0.1:8082',
] as const;

/** How long an answer is waited for, in seconds. */
export const patience = { brief: 15, command: 120, long: 24 * 3600 };

/** What each group does. */
export async function readGroups(url: string): Promise<GroupStatus[]> {
  const { groups } = (await ask(baseOf(url), 'GET', 'api/groups', patience.brief)) as {
    groups?: GroupStatus[];
  };
  if (Array.isArray(groups)) return groups;
  throw foreign(url);
}

/**
 * Asks something of a group that changes it.
 * @throws Failure with sync-jobs' own code and words where it refuses.
 */
export async function command<Answer>(
  url: string,
  group: string,
  name: string,
  body: object = {},
  within = patience.command,
): Promise<Answer & { group: string }> {
  const base = baseOf(url);
  const token = ownToken();
  const path = `api/groups/${encodeURIComponent(group)}/${name}`;
  const answer = await ask(base, 'POST', path, within, JSON.stringify(body), {
    authorization: `Bearer ${token}`,
    'x-fig-user': userName(),
    'content-type': 'application/json',
  });
  return answer as Answer & { group: string };
}

/**
 * The groups that are asked for, as they are now; all where none is.
 * @throws Failure `group_not_found`, exit code 2, which names those that are not there.
 */
export async function knownGroups(url: string, names: readonly string[]): Promise<GroupStatus[]> {
  const groups = await readGroups(url);
  const known = groups.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0)
    return names.length === 0 ? groups : names.map((name) => groups[known.indexOf(name)]!);
  throw new Failure(
    'group_not_found',
    `There is no group ${unknown.join(', ')}; the groups are ${known.join(', ')}.`,
    { exitCode: 2 },
  );
}

/**
 * What sync-jobs takes for a right to change something.
 * @throws Failure `token_missing` or `token_invalid`, exit code 2.
 */
export function ownToken(): string {
  const token = process.env.FIG_TOKEN;
  if (!token) {
    throw new Failure('token_missing', 'FIG_TOKEN is not set, and sync-jobs asks for it.', {
      hint: 'Set it to what sync-jobs was started with; `npm start` makes one and keeps it in .data/secrets.json.',
      exitCode: 2,
    });
  }
  if (!/^[\x20-\x7e]+$/.test(token)) {
    throw new Failure('token_invalid', 'FIG_TOKEN has characters that a header cannot hold.', {
      exitCode: 2,
    });
  }
  return token;
}

/** Who asks, for the audit: the user of the operating system, in characters that a header can hold. */
function userName(): string {
  const name = nameOfUser();
  return /^[\x21-\x7e]+$/.test(name) ? name : encodeURIComponent(name) || 'unknown';
}

/** A container may run as a number that has no name. */
function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER || `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

function baseOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new Failure('url_invalid', `${JSON.stringify(text)} is not an http URL.`, {
      hint: 'Give --url or SYNC_URL as in http://127.0.0.1:8082.',
      exitCode: 2,
    });
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Not fetch: it gives up when no header has come for five minutes, and a comparison of large tables takes longer. */
async function ask(
  base: URL,
  method: 'GET' | 'POST',
  path: string,
  within: number,
  body = '',
  headers: Record<string, string> = {},
): Promise<unknown> {
  const url = new URL(path, base);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const late = AbortSignal.timeout(within * 1000);
  let answer: { response: IncomingMessage; text: string };
  try {
    answer = await new Promise((resolve, reject) => {
      const length = String(Buffer.byteLength(body));
      const asked = request(url, {
        method,
        agent: false,
        signal: late,
        headers: { ...headers, 'content-length': length },
      });
      // So that a machine that went away is noticed long before the time is up.
      asked.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
      asked.on('error', reject);
      asked.on('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => resolve({ response, text: Buffer.concat(pieces).toString() }));
      });
      asked.end(body);
    });
  } catch (error) {
    throw unanswered(base, error, late.aborted ? within : undefined);
  }
  return understood(base, answer.response, answer.text);
}

function understood(base: URL, { statusCode = 0, headers }: IncomingMessage, text: string): unknown {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim();
  const value = type?.endsWith('json') ? parsed(text) : undefined;
  if (value === undefined) throw foreign(base.href);
  if (statusCode < 300) return value;
  if (typeof value.code !== 'string') throw foreign(base.href);
  const { code, title, detail } = value;
  if (code === 'token_required') {
    throw new Failure(code, 'FIG_TOKEN is another one here than sync-jobs was started with.', {
      hint: '`npm start` keeps it in .data/secrets.json.',
      exitCode: 2,
    });
  }
  // What is refused says all in its detail; what failed says in its title what did not happen.
  const parts = statusCode < 500 && detail !== undefined ? [detail] : [title, detail];
  throw new Failure(code, parts.filter((part) => part !== undefined).join(': '), {
    exitCode: exitCodes[code] ?? 1,
  });
}

/** Of what sync-jobs refuses; everything else is 1. */
const exitCodes: Record<string, 2 | 3> = {
  token_not_configured: 2,
  group_not_found: 2,
  body_invalid: 2,
  handover_refused: 3,
  not_backfilled: 3,
  poison_moved: 3,
  standby: 3,
  not_following: 3,
};

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function foreign(url: string): Failure {
  return new Failure('not_sync_jobs', `What answers at ${url} is not sync-jobs.`, {
    hint: 'Say where it listens with --url or SYNC_URL.',
  });
}

function unanswered(base: URL, error: unknown, late: number | undefined): Failure {
  if (late !== undefined) {
    return new Failure('sync_timeout', `sync-jobs at ${base.href} did not answer within ${late} s.`, {
      hint: 'What was asked for may go on there: look at `fig sync status`.',
      cause: error,
    });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (['ECONNRESET', 'EPIPE'].includes(code)) {
    return new Failure('sync_lost', `sync-jobs at ${base.href} went away before it answered (${code}).`, {
      hint: 'Look at its log, and when it is back at `fig sync status`.',
      cause: error,
    });
  }
  return new Failure('sync_unreachable', `sync-jobs cannot be reached at ${base.href} (${code}).`, {
    hint: 'Start it, as `npm start` does, or say where it listens with --url or SYNC_URL.',
    cause: error,
  });
}
