import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { copied, type Dialect, json, type RunningService, startService } from './running-service.ts';

describe.each<Dialect>(['sqlite', 'postgres'])('legacy paths on %s', (dialect) => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService(dialect);
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    await service.store.db.deleteFrom('profiles').execute();
    await service.store.db
      .insertInto('profiles')
      .values([copied(7), copied(8)])
      .execute();
  });

  const stored = (userId: number) =>
    service.store.db.selectFrom('profiles').selectAll().where('user_id', '=', userId).executeTakeFirst();
  const put = async (sender: number | 'visitor' | 'admin', at: string, body: RequestInit) => {
    const response = await service.send(sender, 'PUT', at, body);
    return { status: response.status, text: await response.text() };
  };

  test('GET answers the old keys in the old order, with a weak ETag', async () => {
    const response = await service.send(7, 'GET', '/api/profile/7');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('etag')).toMatch(/^W\/"[0-9a-f]+-/);
    expect(await response.text()).toBe(
      '{"user_id":7,"full_name":"User 7","phone":"+49 30 1234","city":"Berlin","bio":null,"newsletter":"Y","updated_at":"2026-11-20T10:00:00.000Z"}',
    );
  });

  test('If-None-Match with the ETag is answered 304, and HEAD follows GET', async () => {
    const etag = (await service.send(7, 'GET', '/api/profile/7')).headers.get('etag')!;
    // fetch would add `no-cache` by itself, which asks for the whole answer.
    const headers = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
    const again = await service.send(7, 'GET', '/api/profile/7', { headers });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await service.send(7, 'HEAD', '/api/profile/7');
    expect([head.status, head.headers.get('etag')]).toEqual([200, etag]);
  });

  test('only the owner and admins see the phone', async () => {
    const phoneFor = async (sender: number | 'visitor' | 'admin') =>
      ((await (await service.send(sender, 'GET', '/api/profile/7')).json()) as { phone: unknown }).phone;
    expect(await phoneFor(7)).toBe('+49 30 1234');
    expect(await phoneFor('admin')).toBe('+49 30 1234');
    expect(await phoneFor(8)).toBeNull();
    expect(await phoneFor('visitor')).toBeNull();
  });

  test.each(['abc', '-1', '99', '2147483648', '99999999999999999999', '%F0%9F%8E%AB'])(
    'GET of %s finds nobody',
    async (id) => {
      const response = await service.send('visitor', 'GET', `/api/profile/${id}`);
      expect([response.status, await response.text()]).toEqual([404, '{"error":"user not found"}']);
    },
  );

  test('a number with letters after it is that number', async () => {
    expect((await service.send('visitor', 'GET', '/api/profile/7abc')).status).toBe(200);
    expect((await put(7, '/api/profile/7abc', json({ city: 'Ulm' }))).status).toBe(200);
  });

  test('PUT changes what it names, answers the own view and marks the row', async () => {
    const before = Date.now();
    const { status, text } = await put(
      7,
      '/api/profile/7',
      json({ full_name: '  Zoë 🎫 ', phone: null, nickname: 'x' }),
    );
    expect(status).toBe(200);
    const updatedAt = (JSON.parse(text) as { profile: { updated_at: string } }).profile.updated_at;
    expect(text).toBe(
      `{"ok":true,"profile":{"user_id":7,"full_name":"Zoë 🎫","phone":null,"city":"Berlin","bio":null,"newsletter":"Y","updated_at":"${updatedAt}"}}`,
    );
    expect(updatedAt).toMatch(/:\d\d\.000Z$/);
    const row = (await stored(7))!;
    expect(row).toMatchObject({ full_name: 'Zoë 🎫', phone: null, city: 'Berlin', written_by: 'service' });
    expect(row.updated_at).toBeGreaterThanOrEqual(before);
    expect(await stored(8)).toEqual(copied(8));
  });

  test('the empty string is not NULL', async () => {
    await put(7, '/api/profile/7', json({ phone: '', city: null, bio: '' }));
    expect(await stored(7)).toMatchObject({ phone: '', city: null, bio: '' });
  });

  test('an empty or unreadable body changes nothing but the time', async () => {
    for (const body of [
      json({}),
      { headers: { 'content-type': 'text/plain' }, body: 'city=Ulm' },
      json([]),
    ]) {
      expect((await put(7, '/api/profile/7', body)).status).toBe(200);
    }
    expect(await stored(7)).toMatchObject({ full_name: 'User 7', city: 'Berlin', written_by: 'service' });
  });

  test.each([
    ['full_name', { full_name: ' ' }],
    ['full_name', { full_name: 5 }],
    ['full_name', { full_name: null }],
    ['full_name', { full_name: 'x'.repeat(101) }],
    ['phone', { phone: 'x'.repeat(31) }],
    ['phone', { phone: 5 }],
    ['city', { city: ['x'] }],
    ['bio', { bio: 'x'.repeat(2001) }],
    ['bio', { bio: 'nul \0' }],
    ['newsletter', { newsletter: 'yes' }],
    ['newsletter', { newsletter: 1 }],
    ['bio', { newsletter: 'x', bio: 5, city: 'Ulm' }],
  ])('a wrong %s is refused, and nothing is changed', async (field, body) => {
    expect(await put(7, '/api/profile/7', json(body))).toEqual({
      status: 400,
      text: `{"error":"${field} is invalid"}`,
    });
    expect(await stored(7)).toEqual(copied(7));
  });

  test('texts of exactly the longest size are taken', async () => {
    const longest = {
      full_name: 'n'.repeat(100),
      phone: '1'.repeat(30),
      city: 'c'.repeat(100),
      bio: '🎫'.repeat(1000),
    };
    expect((await put(7, '/api/profile/7', json(longest))).status).toBe(200);
    expect(await stored(7)).toMatchObject(longest);
  });

  test('who may not write is told so before anything else', async () => {
    expect(await put('visitor', '/api/profile/7', json({ full_name: 5 }))).toEqual({
      status: 401,
      text: '{"error":"login required"}',
    });
    for (const at of ['/api/profile/8', '/api/profile/abc', '/api/profile/99']) {
      expect(await put(7, at, json({ full_name: 5 }))).toEqual({
        status: 403,
        text: '{"error":"not your profile"}',
      });
    }
    expect((await put('admin', '/api/profile/7', json({ city: 'Ulm' }))).status).toBe(403);
    expect(await stored(7)).toEqual(copied(7));
  });

  test('bodies that cannot be read get the old errors', async () => {
    const type = { 'content-type': 'application/json' };
    expect(await put(7, '/api/profile/7', { headers: type, body: '{"city":' })).toEqual({
      status: 400,
      text: '{"error":"invalid JSON"}',
    });
    expect(
      await put(7, '/api/profile/7', { headers: type, body: `{"bio":"${'x'.repeat(110_000)}"}` }),
    ).toEqual({
      status: 413,
      text: '{"error":"request entity too large"}',
    });
  });

  test('a user whose profile was not copied yet is asked to come back', async () => {
    expect(await put(50, '/api/profile/50', json({ city: 'Ulm' }))).toEqual({
      status: 503,
      text: '{"error":"temporarily unavailable"}',
    });
    expect(await stored(50)).toBeUndefined();
  });

  test('the form saves all fields: what is left empty is null, an unticked box is off', async () => {
    const response = await service.send(7, 'POST', '/account/profile', {
      body: new URLSearchParams({ full_name: 'Ann', phone: '', city: 'Köln', bio: '' }),
    });
    expect([response.status, response.headers.get('location')]).toEqual([
      302,
      `${service.url}/account?saved=1`,
    ]);
    expect(await stored(7)).toMatchObject({
      full_name: 'Ann',
      phone: null,
      city: 'Köln',
      bio: null,
      newsletter: 0,
    });
  });

  test('the form names the field that is wrong, and sends visitors to the login', async () => {
    const post = async (sender: number | 'visitor', form: Record<string, string>) =>
      (
        await service.send(sender, 'POST', '/account/profile', { body: new URLSearchParams(form) })
      ).headers.get('location');
    expect(await post(7, { full_name: '' })).toBe(`${service.url}/account?error=full_name`);
    expect(await post(7, { full_name: 'Ann', city: 'x'.repeat(101) })).toBe(
      `${service.url}/account?error=city`,
    );
    expect(await post('visitor', { full_name: 'Ann' })).toBe(`${service.url}/login`);
    expect(await stored(7)).toEqual(copied(7));
  });

  test('concurrent PUTs never mix their fields', async () => {
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    const answers = await Promise.all(
      letters.map((letter) =>
        put(7, '/api/profile/7', json({ full_name: letter, phone: letter, city: letter, bio: letter })),
      ),
    );
    for (const [index, { status, text }] of answers.entries()) {
      const { profile } = JSON.parse(text) as { profile: Record<string, unknown> };
      expect([status, profile.full_name, profile.phone, profile.city, profile.bio]).toEqual([
        200,
        ...Array(4).fill(letters[index]),
      ]);
    }
    const row = (await stored(7))!;
    expect(new Set([row.full_name, row.phone, row.city, row.bio]).size).toBe(1);
  });
});
