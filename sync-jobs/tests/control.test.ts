import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SyncProcess, startSync } from './sync-process.ts';
import { insertEvent, insertUser } from './ticketnow.ts';
import { openTicketnow, type TicketnowSystem } from './ticketnow-system.ts';

const token = 'the token of the tests';

/** Looks again and again; the time-out of the test is the limit. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

describe('the control API', () => {
  let system: TicketnowSystem;
  let sync: SyncProcess;
  let url: string;
  beforeAll(async () => {
    system = await openTicketnow('sqlite', 'sqlite');
    for (let id = 1; id <= 10; id++) await insertEvent(system.legacy, id);
    sync = startSync({ ...system.environment, FIG_TOKEN: token });
    url = `http://127.0.0.1:${await sync.ready}`;
  });
  afterAll(async () => {
    sync.child.kill('SIGTERM');
    await sync.closed;
    await system.close();
  });

  const ask = (group: string, command: string, body?: unknown, authorization = `Bearer ${token}`) =>
    fetch(`${url}/api/groups/${group}/${command}`, {
      method: 'POST',
      headers: { 'x-fig-user': 'ops', ...(authorization === '' ? {} : { authorization }) },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
  const codeOf = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await response.json()) as { status: number; code: string };
    expect(problem.status).toBe(response.status);
    return [response.status, problem.code];
  };
  const statusOf = async (name: string) => {
    const { groups } = (await (await fetch(`${url}/api/groups`)).json()) as {
      groups: Record<string, unknown>[];
    };
    return groups.find((group) => group.name === name)!;
  };

  test('shows what each group does', async () => {
    expect(await statusOf('inventory')).toMatchObject({
      state: 'following',
      owner: 'legacy',
      epoch: 1,
      backfilled: true,
      progress: { done: 10, etaSeconds: null },
      feeds: [
        { name: 'inventory:forward', role: 'live', lag: { rows: 0 }, heldBackBy: [], foreignChanges: 0 },
        { name: 'inventory:back', role: 'armed' },
      ],
      poison: [],
      drift: [],
      error: null,
    });
  });

  test('copies anew when asked: what the service has written stays, what is missing comes back', async () => {
    await system.service.inventory.query(
      "UPDATE items SET stock = 1, written_by = 'service' WHERE event_id = 2",
    );
    await system.service.inventory.query('DELETE FROM items WHERE event_id = 3');
    const response = await ask('inventory', 'backfill');
    expect([response.status, await response.json()]).toEqual([200, { group: 'inventory', rows: 10 }]);
    expect(
      await system.service.inventory.query('SELECT event_id, stock FROM items WHERE event_id IN (2, 3)'),
    ).toEqual([
      { event_id: '2', stock: '1' },
      { event_id: '3', stock: '100' },
    ]);
    await system.service.inventory.query(
      "UPDATE items SET stock = 100, written_by = 'sync' WHERE event_id = 2",
    );
  });

  test('a row that cannot be mapped stops its group until it is mended, or skipped with an audit entry', async () => {
    await insertUser(system.legacy, 1, { updated_at: 'soon' });
    await sync.logged((line) => line.code === 'row_unmappable');
    const status = await statusOf('profile');
    expect(status).toMatchObject({
      state: 'poisoned',
      poison: [{ feed: 'profile:forward', table: 'users', key: '1', code: 'row_unmappable' }],
      error: {
        code: 'row_unmappable',
        hint: expect.stringContaining("`fig sync skip profile --row 'users 1'`"),
      },
    });
    await insertUser(system.legacy, 2);
    expect(await codeOf(await ask('profile', 'skip'))).toEqual([400, 'body_invalid']);
    const other = await ask('profile', 'skip', { row: 'users 2' });
    expect(((await other.clone().json()) as { detail: string }).detail).toContain(
      'profile does not stand before users 2 but before users 1.',
    );
    expect(await codeOf(other)).toEqual([409, 'poison_moved']);
    expect(await system.service.profile.query('SELECT tbl FROM strangler_skip')).toEqual([]);
    const skipped = await ask('profile', 'skip', { row: 'users 1' });
    expect([skipped.status, await skipped.json()]).toMatchObject([
      200,
      { skipped: [{ table: 'users', key: '1' }] },
    ]);
    await sync.logged((line) => line.msg === 'works again' && line.group === 'profile');
    expect(await system.service.profile.query('SELECT user_id FROM profiles')).toEqual([{ user_id: '2' }]);
    const [entry] = await system.service.profile.query(
      "SELECT who, action, detail FROM strangler_audit WHERE action = 'skip'",
    );
    expect(entry).toMatchObject({ who: 'ops', action: 'skip', detail: expect.stringContaining('"key":"1"') });
    // A later change of the same row is not what was skipped.
    await system.legacy.query("UPDATE users SET updated_at = '2026-11-20 10:00:00' WHERE id = 1");
    const profiles = () => system.service.profile.query('SELECT user_id FROM profiles ORDER BY user_id');
    await until(async () => (await profiles()).length === 2);
    expect(await profiles()).toEqual([{ user_id: '1' }, { user_id: '2' }]);
    expect(await codeOf(await ask('profile', 'skip', { row: 'users 1' }))).toEqual([409, 'no_poison']);
  });

  test('gives a group to the service and back; what the owner writes is carried over', async () => {
    const given = await ask('inventory', 'owner', { owner: 'service' });
    expect([given.status, await given.json()]).toMatchObject([200, { owner: 'service', epoch: 2 }]);
    await system.service.inventory.query(
      "UPDATE items SET stock = 77, written_by = 'service' WHERE event_id = 4",
    );
    await system.legacy.query("UPDATE events SET title = 'Renamed' WHERE id = 4");
    await until(
      async () => (await system.legacy.query('SELECT stock FROM events WHERE id = 4'))[0]!.stock === '77',
    );
    await until(
      async () =>
        (await system.service.inventory.query('SELECT title FROM items WHERE event_id = 4'))[0]!.title ===
        'Renamed',
    );
    const back = await ask('inventory', 'owner', { owner: 'legacy' });
    expect([back.status, await back.json()]).toMatchObject([200, { owner: 'legacy', epoch: 3 }]);
    await system.legacy.query('UPDATE events SET stock = 76 WHERE id = 4');
    await until(
      async () =>
        (await system.service.inventory.query('SELECT stock FROM items WHERE event_id = 4'))[0]!.stock ===
        '76',
    );
    expect(await statusOf('inventory')).toMatchObject({ owner: 'legacy', epoch: 3, error: null });
  });

  test('refuses changes without the token, and what it cannot read', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${token}`, token]) {
      const response = await ask('inventory', 'backfill', undefined, authorization);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await codeOf(response)).toEqual([401, 'token_required']);
    }
    expect(await codeOf(await ask('inventory', 'owner', '{'))).toEqual([400, 'body_invalid']);
    expect(await codeOf(await ask('inventory', 'owner', { owner: 'nobody' }))).toEqual([400, 'body_invalid']);
    expect(await codeOf(await ask('inventory', 'verify', 'x'.repeat(5_000)))).toEqual([400, 'body_invalid']);
  });

  test('says whether the token is missing or another one', async () => {
    const detail = async (authorization: string) =>
      ((await (await ask('inventory', 'retry', {}, authorization)).json()) as { detail: string }).detail;
    expect(await detail('')).toContain('Send the value of FIG_TOKEN');
    expect(await detail('Bearer wrong')).toContain('another one than sync-jobs was started with');
  });

  test('knows its paths and methods', async () => {
    expect(await codeOf(await ask('nothing', 'backfill'))).toEqual([404, 'group_not_found']);
    expect(await codeOf(await ask('inventory', 'toString'))).toEqual([404, 'not_found']);
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
    expect(text).toContain('\nstrangler_sync_lag_rows{group="inventory",direction="forward"} 0\n');
    expect(text).toContain('\nstrangler_sync_errors_total{group="profile",code="row_unmappable"} ');
    expect(text).toContain('\nstrangler_sync_state{group="inventory",state="following"} 1\n');
    expect(text).toContain('\nstrangler_sync_epoch{group="inventory"} 3\n');
  });

  test('compares nothing and repairs nothing before the first copy is complete', async () => {
    const filled = await openTicketnow('sqlite', 'sqlite');
    for (let id = 1; id <= 20; id++) await insertEvent(filled.legacy, id);
    const slow = startSync({
      ...filled.environment,
      FIG_TOKEN: token,
      SYNC_CHUNK_ROWS: '1',
      SYNC_ROWS_PER_SECOND: '1',
    });
    const port = await slow.listening();
    const status = async () => {
      const answer = (await (await fetch(`http://127.0.0.1:${port}/api/groups`)).json()) as {
        groups: { name: string; state: string; lastVerify: unknown }[];
      };
      return answer.groups.find(({ name }) => name === 'inventory')!;
    };
    await until(async () => (await status()).state === 'copying');
    for (const [command, body] of [
      ['verify', {}],
      ['repair', {}],
      ['repair', { apply: true }],
    ] as const) {
      const response = await fetch(`http://127.0.0.1:${port}/api/groups/inventory/${command}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
      const { detail } = (await response.clone().json()) as { detail: string };
      expect(detail).toMatch(/^inventory: the first copy is not complete \(\d+ rows of 20\)\. Wait for it/);
      expect(await codeOf(response)).toEqual([409, 'not_backfilled']);
    }
    expect((await status()).lastVerify).toBe(null);
    slow.child.kill('SIGTERM');
    await slow.closed;
    await filled.close();
  });

  test('without a token of its own it refuses every change', async () => {
    const other = startSync({ ...system.environment });
    const port = await other.listening();
    const response = await fetch(`http://127.0.0.1:${port}/api/groups/inventory/backfill`, {
      method: 'POST',
      headers: { authorization: 'Bearer ' },
    });
    expect(await codeOf(response)).toEqual([403, 'token_not_configured']);
    other.child.kill('SIGINT');
    expect(await other.closed).toBe(0);
  });
});
