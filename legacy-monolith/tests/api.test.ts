import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, databases, startTicketNow, type TicketNow } from './ticketnow.ts';

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/;
const databaseTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

// The seed's events: 1 plain, 3 sold out, 4 draft, 5 has 3 left, 6 past, 7 cancelled, 8 deleted. User 13 is deleted.
describe.each(databases)('the JSON API on %s', (_name, createStore) => {
  let shop: TicketNow;
  let visitor: Browser;
  let user2: Browser;
  let admin: Browser;

  beforeAll(async () => {
    shop = await startTicketNow(createStore);
    visitor = shop.visitor();
    user2 = await shop.loggedIn(2);
    admin = await shop.loggedIn(1);
  });

  afterAll(async () => {
    await shop.close();
    expect(shop.errors).toEqual([]);
  });

  test('health', async () => {
    await visitor.get('/health').expect(200, { status: 'ok' });
  });

  describe('events', () => {
    test('are listed while on sale, by date, with their venue', async () => {
      const { body } = await visitor.get('/api/events').expect(200);
      expect(Object.keys(body)).toEqual(['events', 'page', 'per_page', 'total']);
      expect(body).toMatchObject({ page: 1, per_page: 20, total: 7 });
      const ids = body.events.map((event: { id: number }) => event.id);
      expect(ids.toSorted((a: number, b: number) => a - b)).toEqual([1, 2, 3, 5, 6, 9, 10]);
      const dates = body.events.map((event: { starts_at: string }) => event.starts_at);
      expect(dates).toEqual(dates.toSorted());
      const event = body.events.find(({ id }: { id: number }) => id === 3);
      expect(Object.keys(event)).toEqual(
        ['id', 'title', 'slug', 'category', 'venue', 'starts_at', 'price', 'stock', 'sold_out'], // in this order
      );
      expect(Object.keys(event.venue)).toEqual(['id', 'name', 'city']);
      expect(event).toMatchObject({ stock: 0, sold_out: true });
      expect(event.price).toMatch(/^\d+\.\d\d$/);
      expect(event.starts_at).toMatch(databaseTime);
    });

    test.each([
      ['page=2&per_page=3', { page: 2, per_page: 3 }, 3],
      ['page=3&per_page=3', { page: 3, per_page: 3 }, 1],
      ['page=99', { page: 99, per_page: 20 }, 0],
      ['per_page=1000', { page: 1, per_page: 100 }, 7],
      ['page=2x&per_page=4.9', { page: 2, per_page: 4 }, 3],
      ['page=0&per_page=-5', { page: 1, per_page: 20 }, 7],
      ['page=x&per_page=', { page: 1, per_page: 20 }, 7],
      ['page=99999999999999999999', { page: 1, per_page: 20 }, 7],
      ['page=2147483647&per_page=100', { page: 2_147_483_647, per_page: 100 }, 0],
      ['page[toString]=1&per_page[]=2', { page: 1, per_page: 2 }, 2],
    ])('pages: ?%s', async (query, page, count) => {
      const { body } = await visitor.get(`/api/events?${query}`).expect(200);
      expect(body).toMatchObject({ ...page, total: 7 });
      expect(body.events).toHaveLength(count);
    });

    test('are found by category and by part of the title, in which % and _ are letters', async () => {
      await shop.db.run(`UPDATE events SET title = 'The Björk_Band: 100% !Live' WHERE id = 1`);
      const found = async (q: string) =>
        (await visitor.get('/api/events').query({ q })).body.events.map(({ id }: { id: number }) => id);
      for (const q of ['jörk_bAND', '100%', '!live']) expect(await found(q)).toEqual([1]);
      for (const q of ['Bj%k', 'BjörkxBand', 'no such']) expect(await found(q)).toEqual([]);
      const { category } = (await visitor.get('/api/events/1')).body;
      const byCategory = await visitor.get('/api/events').query({ category });
      expect(byCategory.body.events.map(({ id }: { id: number }) => id)).toContain(1);
      expect((await visitor.get('/api/events').query({ category: 'no such' })).body.total).toBe(0);
      expect((await visitor.get('/api/events?q=%00&category[]=x')).body.total).toBe(7);
    });

    test('one event has more fields; drafts are shown, deleted ones are not', async () => {
      const { body } = await visitor.get('/api/events/1').expect(200);
      expect(Object.keys(body).slice(9)).toEqual(['description', 'total_stock', 'status', 'created_at']);
      expect(body.created_at).toMatch(databaseTime);
      expect((await visitor.get('/api/events/4')).body.status).toBe('draft');
    });

    test.each(['8', '999', '-1', 'x', '99999999999', '400x'])(
      'GET /api/events/%s is not found',
      async (id) => {
        await visitor.get(`/api/events/${id}`).expect(404, { error: 'event not found' });
      },
    );
  });

  describe('inventory', () => {
    test('shows an item', async () => {
      const { body } = await visitor.get('/api/inventory/1abc').expect(200);
      expect(Object.keys(body)).toEqual(
        ['item_id', 'sku', 'stock', 'total_stock', 'price_cents', 'status', 'updated_at'], // in this order
      );
      expect(body).toMatchObject({ item_id: 1, sku: 'EVT-000001', total_stock: 5000, status: 'on_sale' });
      expect(body.updated_at).toMatch(databaseTime);
    });

    test('shows drafts and cancelled events', async () => {
      expect((await visitor.get('/api/inventory/4')).body.status).toBe('draft');
      expect((await visitor.get('/api/inventory/7')).body.status).toBe('cancelled');
    });

    test.each(['8', '999', '-1', '2147483648', '99999999999999999999999'])(
      'has no item %s, with 200',
      async (id) => {
        await visitor.get(`/api/inventory/${id}`).expect(200, { error: 'no such item' });
      },
    );

    test.each(['x', '%20', 'NaN', 'Infinity'])('refuses item %s', async (id) => {
      await visitor.get(`/api/inventory/${id}`).expect(400, { error: 'itemId must be a number' });
    });
  });

  test('an unchanged answer is 304, HEAD follows GET', async () => {
    const first = await visitor.get('/api/inventory/2').expect(200);
    expect(first.headers.etag).toMatch(/^W\/"/);
    expect(first.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(first.headers['x-powered-by']).toBe('Express');
    await visitor.get('/api/inventory/2').set('If-None-Match', first.headers.etag!).expect(304, '');
    const head = await visitor.head('/api/inventory/2').expect(200);
    expect(head.headers.etag).toBe(first.headers.etag);
    expect(head.text).toBeUndefined();
  });

  describe('users and profiles', () => {
    test('GET /api/me', async () => {
      const { body } = await user2.get('/api/me').expect(200);
      expect(Object.keys(body)).toEqual(['id', 'email', 'full_name', 'role']);
      expect(body).toMatchObject({ id: 2, email: 'user2@example.test', role: 'customer' });
      await visitor.get('/api/me').expect(401, { error: 'login required' });
    });

    test('GET /api/users/:id has its own date format', async () => {
      const { body } = await visitor.get('/api/users/3').expect(200);
      expect(Object.keys(body)).toEqual(['id', 'full_name', 'member_since', 'avatar_url']);
      expect(body).toMatchObject({ id: 3, avatar_url: null });
      expect(body.member_since).toMatch(/^\d\d\/\d\d\/\d{4}$/);
    });

    test.each(['13', '0', 'x', '-2', '4294967299'])('user and profile %s are not found', async (id) => {
      await visitor.get(`/api/users/${id}`).expect(404, { error: 'user not found' });
      await visitor.get(`/api/profile/${id}`).expect(404, { error: 'user not found' });
    });

    test("a profile's phone is for its owner and the admin", async () => {
      await shop.db.run(`UPDATE users SET phone = '555-0102' WHERE id = 2`);
      const own = (await user2.get('/api/profile/2').expect(200)).body;
      expect(Object.keys(own)).toEqual(
        ['user_id', 'full_name', 'phone', 'city', 'bio', 'newsletter', 'updated_at'], // in this order
      );
      expect(own.phone).toBe('555-0102');
      expect(own.updated_at).toMatch(isoTime);
      expect((await admin.get('/api/profile/2')).body.phone).toBe('555-0102');
      expect((await visitor.get('/api/profile/2')).body.phone).toBeNull();
      expect((await user2.get('/api/profile/3')).body.phone).toBeNull();
    });

    test('PUT changes what is given, and keeps odd characters', async () => {
      const before = (await user2.get('/api/profile/2')).body;
      const bio = `It's "odd": 🎟️ مرحبا <b>\r\n\\ %s ; --`;
      const { body } = await user2
        .put('/api/profile/2')
        .send({ full_name: '  Zoë O’Brien ', bio, newsletter: 'Y', role: 'admin', updated_at: 'never' })
        .expect(200);
      expect(body).toEqual({
        ok: true,
        profile: {
          ...before,
          full_name: 'Zoë O’Brien',
          bio,
          newsletter: 'Y',
          updated_at: body.profile.updated_at,
        },
      });
      expect((await user2.get('/api/profile/2')).body).toEqual(body.profile);
      expect((await user2.get('/api/me')).body.role).toBe('customer');
    });

    test('PUT takes null and empty text apart, and both ways to say newsletter', async () => {
      const put = async (change: object) =>
        (await user2.put('/api/profile/2').send(change).expect(200)).body.profile;
      expect(await put({ phone: null, city: '', bio: null, newsletter: false })).toMatchObject({
        phone: null,
        city: '',
        bio: null,
        newsletter: 'N',
      });
      expect(await put({ newsletter: true })).toMatchObject({ newsletter: 'Y', city: '' });
      expect(await put({})).toMatchObject({ newsletter: 'Y' });
    });

    test.each([
      [{ full_name: ' ' }, 'full_name'],
      [{ full_name: 'x'.repeat(101) }, 'full_name'],
      [{ full_name: null, bio: 5 }, 'full_name'],
      [{ bio: 5, phone: 5 }, 'phone'],
      [{ phone: 'x'.repeat(31) }, 'phone'],
      [{ city: ['Rome'] }, 'city'],
      [{ city: 'Ro\0me' }, 'city'],
      [{ bio: 'x'.repeat(2001) }, 'bio'],
      [{ newsletter: 'yes' }, 'newsletter'],
      [{ newsletter: 1 }, 'newsletter'],
    ])('PUT refuses a bad field (%#)', async (change, field) => {
      const before = (await user2.get('/api/profile/2')).body;
      await user2
        .put('/api/profile/2')
        .send(change)
        .expect(400, { error: `${field} is invalid` });
      expect((await user2.get('/api/profile/2')).body).toEqual(before);
    });

    test("PUT is for one's own profile only", async () => {
      await visitor.put('/api/profile/2').send({}).expect(401, { error: 'login required' });
      for (const id of ['3', 'x', '999999']) {
        await user2.put(`/api/profile/${id}`).send({}).expect(403, { error: 'not your profile' });
      }
      await admin.put('/api/profile/2').send({}).expect(403, { error: 'not your profile' });
    });
  });

  describe('bad requests', () => {
    test('invalid JSON', async () => {
      for (const body of ['{"event_id":', 'null', '"text"', '{"a":1}x']) {
        await visitor.post('/api/bookings').type('json').send(body).expect(400, { error: 'invalid JSON' });
      }
    });

    test('too large', async () => {
      const body = JSON.stringify({ bio: 'x'.repeat(110_000) });
      await user2
        .put('/api/profile/2')
        .type('json')
        .send(body)
        .expect(413, { error: 'request entity too large' });
    });

    test('unknown charset and encoding', async () => {
      const charset = visitor
        .post('/api/bookings')
        .set('Content-Type', 'application/json; charset=klingon')
        .send('{}');
      await charset.expect(415, { error: 'bad request' });
      const encoding = visitor.post('/api/bookings').type('json').set('Content-Encoding', 'lzma').send('{}');
      await encoding.expect(415, { error: 'bad request' });
    });

    test('unknown paths and methods', async () => {
      const answer = { error: 'not found' };
      await visitor.get('/api').expect(404, answer);
      await visitor.get('/api/nothing').expect(404, answer);
      await visitor.delete('/api/bookings').expect(404, answer);
      await visitor.options('/api/bookings').expect(404, answer);
      await visitor.post('/api/inventory/1').expect(404, answer);
      await visitor.get('/api/events/%E0%A4%A').expect(400, { error: 'bad request' });
    });
  });
});
