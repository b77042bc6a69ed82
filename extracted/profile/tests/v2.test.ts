import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { copied, type Dialect, json, type RunningService, startService } from './running-service.ts';

describe.each<Dialect>(['sqlite', 'postgres'])('v2 on %s', (dialect) => {
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

  const tag = async () => (await service.send(7, 'GET', '/api/v2/profiles/7')).headers.get('etag')!;
  const patch = (body: unknown, ifMatch: string | undefined, sender: number | 'visitor' = 7) => {
    const headers = {
      'content-type': 'application/json',
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    };
    return service.send(sender, 'PATCH', '/api/v2/profiles/7', { headers, body: JSON.stringify(body) });
  };
  const codeOf = async (response: Response) => {
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const problem = (await response.json()) as { status: number; code: string };
    expect(problem.status).toBe(response.status);
    return [response.status, problem.code];
  };

  test('GET answers a profile with a strong ETag that a repeat is compared with', async () => {
    const response = await service.send(7, 'GET', '/api/v2/profiles/7');
    expect(await response.json()).toEqual({
      userId: 7,
      fullName: 'User 7',
      phone: '+49 30 1234',
      city: 'Berlin',
      bio: null,
      newsletter: true,
      updatedAt: '2026-11-20T10:00:00.000Z',
    });
    const etag = response.headers.get('etag')!;
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const headers = { 'if-none-match': `"other", ${etag}` };
    expect((await service.send(7, 'GET', '/api/v2/profiles/7', { headers })).status).toBe(304);
    // Another viewer sees another representation, so a cached one is not confirmed to him.
    expect((await service.send('visitor', 'GET', '/api/v2/profiles/7', { headers })).status).toBe(200);
  });

  test('only the owner and admins see the phone', async () => {
    const phoneFor = async (sender: number | 'visitor' | 'admin') =>
      ((await (await service.send(sender, 'GET', '/api/v2/profiles/7')).json()) as { phone: unknown }).phone;
    expect(await Promise.all([7, 8, 'visitor', 'admin'].map((sender) => phoneFor(sender as number)))).toEqual(
      ['+49 30 1234', null, null, '+49 30 1234'],
    );
  });

  test('PATCH with the ETag changes the fields it names and answers the next ETag', async () => {
    const old = await tag();
    const response = await patch({ fullName: ' Ann ', newsletter: false, phone: null }, old);
    expect(response.status).toBe(200);
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ fullName: 'Ann', newsletter: false, phone: null, city: 'Berlin' });
    expect(response.headers.get('etag')).toBe(await tag());
    expect(response.headers.get('etag')).not.toBe(old);
    const row = await service.store.db
      .selectFrom('profiles')
      .selectAll()
      .where('user_id', '=', 7)
      .executeTakeFirst();
    expect(row).toMatchObject({ full_name: 'Ann', newsletter: 0, written_by: 'service' });
  });

  test('an ETag that is not current, or weak, changes nothing', async () => {
    const old = await tag();
    await patch({ city: 'Ulm' }, old);
    expect(await codeOf(await patch({ city: 'Bonn' }, old))).toEqual([412, 'profile_changed']);
    expect(await codeOf(await patch({ city: 'Bonn' }, `W/${await tag()}`))).toEqual([412, 'profile_changed']);
    expect(await codeOf(await patch({ city: 'Bonn' }, undefined))).toEqual([428, 'precondition_required']);
    expect((await patch({ city: 'Bonn' }, `"other", ${await tag()}`)).status).toBe(200);
    expect((await patch({ city: 'Köln' }, '*')).status).toBe(200);
  });

  test('a copied change counts as a change, even within the same second', async () => {
    const old = await tag();
    await service.store.db.updateTable('profiles').set({ city: 'Ulm' }).where('user_id', '=', 7).execute();
    expect((await patch({ bio: 'x' }, old)).status).toBe(412);
  });

  test('of many changes with one ETag exactly one is made', async () => {
    const current = await tag();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => patch({ city: `City ${index}` }, current)),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array(19).fill(412)]);
  });

  test('updatedAt grows even when the clock does not', async () => {
    const later = Date.now() + 60_000;
    await service.store.db
      .updateTable('profiles')
      .set({ updated_at: later })
      .where('user_id', '=', 7)
      .execute();
    const response = await patch({ city: 'Ulm' }, '*');
    expect(((await response.json()) as { updatedAt: string }).updatedAt).toBe(
      new Date(later + 1).toISOString(),
    );
  });

  test('errors are problems with stable codes', async () => {
    expect(await codeOf(await service.send(7, 'GET', '/api/v2/profiles/99'))).toEqual([
      404,
      'profile_not_found',
    ]);
    expect(await codeOf(await service.send(7, 'GET', '/api/v2/profiles/7abc'))).toEqual([
      400,
      'invalid_input',
    ]);
    expect(await codeOf(await service.send(7, 'DELETE', '/api/v2/profiles/7'))).toEqual([404, 'not_found']);
    expect(await codeOf(await patch({ fullName: 5 }, '*', 'visitor'))).toEqual([401, 'login_required']);
    expect(await codeOf(await patch({ fullName: 5 }, '*', 8))).toEqual([403, 'not_your_profile']);
    for (const body of [
      {},
      { fullName: ' ' },
      { fullName: 5 },
      { bio: 'nul \0' },
      { nickname: 'x' },
      { newsletter: 'Y' },
      [],
      5,
    ]) {
      expect(await codeOf(await patch(body, '*'))).toEqual([400, 'invalid_input']);
    }
    const torn = { headers: { 'content-type': 'application/json', 'if-match': '*' }, body: '{"city":' };
    expect(await codeOf(await service.send(7, 'PATCH', '/api/v2/profiles/7', torn))).toEqual([
      400,
      'malformed_json',
    ]);
    const missing = {
      ...json({ city: 'Ulm' }),
      headers: { 'content-type': 'application/json', 'if-match': '*' },
    };
    expect(await codeOf(await service.send(50, 'PATCH', '/api/v2/profiles/50', missing))).toEqual([
      503,
      'profile_not_here_yet',
    ]);
  });

  test('is described, alive and ready without an identity, and refuses all else', async () => {
    const openApi = (await (await fetch(`${service.url}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(openApi.paths)).toEqual(
      expect.arrayContaining(['/api/profile/{userId}', '/account/profile', '/api/v2/profiles/{userId}']),
    );
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    expect(await codeOf(await fetch(`${service.url}/api/v2/profiles/7`))).toEqual([401, 'identity_required']);
    expect(await codeOf(await fetch(`${service.url}/api/profile/7`))).toEqual([401, 'identity_required']);
  });
});
