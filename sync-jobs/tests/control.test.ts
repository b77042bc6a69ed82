import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPair, type StorePair } from './store-pair.ts';
import { type SyncProcess, startSync } from './sync-process.ts';
import { insertEvent } from './ticketnow.ts';

const token = 'the token of the tests';

describe('the control API', () => {
  let pair: StorePair;
  let sync: SyncProcess;
  let url: string;
  beforeAll(async () => {
    pair = await openPair('sqlite', 'sqlite');
    for (let id = 1; id <= 10; id++) await insertEvent(pair.legacy, id);
    sync = start({ FIG_TOKEN: token });
    url = `http://127.0.0.1:${await sync.ready}`;
  });
  afterAll(async () => {
    sync.child.kill('SIGTERM');
    await sync.closed;
    await pair.close();
  });

  // A schedule that does not come round: what happens here, happens because it was asked for.
  const start = (environment: Record<string, string>) =>
    startSync({
      SYNC_SCHEDULE: '0 0 0 29 2 *',
      LEGACY_DATABASE_URL: pair.legacy.url,
      INVENTORY_DATABASE_URL: pair.service.inventory.url,
      PROFILE_DATABASE_URL: pair.service.profile.url,
      BOOKING_DATABASE_URL: pair.service.booking.url,
      ...environment,
    });
  const backfill = (group: string, authorization?: string) =>
    fetch(`${url}/api/groups/${group}/backfill`, {
      method: 'POST',
      headers: authorization === undefined ? {} : { authorization },
    });
  const codeOf = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await response.json()) as { status: number; code: string };
    expect(problem.status).toBe(response.status);
    return [response.status, problem.code];
  };

  test('shows what each group does', async () => {
    const { groups } = (await (await fetch(`${url}/api/groups`)).json()) as {
      groups: Record<string, unknown>[];
    };
    expect(groups.map((group) => group.name)).toEqual(['booking', 'inventory', 'profile']);
    expect(groups[1]).toMatchObject({
      state: 'idle',
      backfilled: true,
      progress: { done: 10, total: 10 },
      lastPass: { read: 10, written: 10, removed: 0, kept: 0, seconds: expect.any(Number) },
      totals: { read: 10, written: 10, removed: 0, passes: 1 },
      lastSuccessAt: expect.stringMatching(/^\d{4}-.+Z$/),
      error: null,
    });
  });

  test('runs a pass when asked with the token, and answers its counts', async () => {
    await insertEvent(pair.legacy, 11);
    await pair.legacy.query('DELETE FROM events WHERE id = 1');
    await pair.service.inventory.query(
      "UPDATE items SET stock = 1, written_by = 'service' WHERE event_id = 2",
    );
    const response = await backfill('inventory', `Bearer ${token}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      group: 'inventory',
      read: 10,
      written: 1,
      removed: 1,
      kept: 1,
    });
  });

  test('passes that are asked for at once never overlap, and each sees what was committed before it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await insertEvent(pair.legacy, 100 + index);
        return (await backfill('inventory', `Bearer ${token}`)).status;
      }),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
    const [row] = await pair.service.inventory.query(
      'SELECT count(*) AS rows FROM items WHERE event_id >= 100',
    );
    expect(row).toEqual({ rows: '20' });
  });

  test('a pass that fails answers why', async () => {
    await pair.legacy.query("UPDATE users SET updated_at = 'soon'");
    await pair.legacy.query(
      "INSERT INTO users (id, email, password_hash, full_name, created_at, updated_at) VALUES (1, 'a', 'x', 'A', 'x', 'soon')",
    );
    const response = await backfill('profile', `Bearer ${token}`);
    expect(await codeOf(response)).toEqual([409, 'row_unmappable']);
    await pair.legacy.query('DELETE FROM users');
  });

  test('refuses changes without the token', async () => {
    for (const authorization of [undefined, 'Bearer', 'Bearer wrong', `Basic ${token}`, token]) {
      const response = await backfill('inventory', authorization);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await codeOf(response)).toEqual([401, 'token_required']);
    }
  });

  test('knows its paths and methods', async () => {
    expect(await codeOf(await backfill('nothing', `Bearer ${token}`))).toEqual([404, 'group_not_found']);
    expect(await codeOf(await fetch(`${url}/`))).toEqual([404, 'not_found']);
    const wrong = await fetch(`${url}/api/groups/inventory/backfill`);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await codeOf(wrong)).toEqual([405, 'method_not_allowed']);
    const head = await fetch(`${url}/livez?x=1`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('gives Prometheus its metrics', async () => {
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) strangler_sync_\w+ .+|strangler_sync_\w+\{(\w+="[\w-]+",?)+\} \d+(\.\d+)?(e[+-]\d+)?)$/,
      );
    }
    expect(text).toContain('\nstrangler_sync_rows_kept{group="inventory"} 1\n');
    expect(text).toContain('\nstrangler_sync_rows_removed_total{group="inventory"} 1\n');
    expect(text).toContain('\nstrangler_sync_errors_total{group="profile",code="row_unmappable"} 1\n');
    expect(text).toContain('\nstrangler_sync_state{group="inventory",state="idle"} 1\n');
    expect(text).toMatch(
      /\nstrangler_sync_last_success_timestamp_seconds\{group="booking"\} 1\d{9}(\.\d+)?\n/,
    );
  });

  test('without a token of its own it refuses every change', async () => {
    const other = start({});
    const port = await other.ready;
    const response = await fetch(`http://127.0.0.1:${port}/api/groups/inventory/backfill`, {
      method: 'POST',
      headers: { authorization: 'Bearer ' },
    });
    expect(await codeOf(response)).toEqual([403, 'token_not_configured']);
    other.child.kill('SIGINT');
    expect(await other.closed).toBe(0);
  });
});
