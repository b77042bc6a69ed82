import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Booking } from '../models/bookings.ts';
import type { Event } from '../models/events.ts';
import type { User } from '../models/users.ts';
import { type Browser, databases, startTicketNow, type TicketNow } from './ticketnow.ts';

describe.each(databases)('the forms on %s', (_name, createStore) => {
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

  /** Sends a form and answers the path of the absolute Location. */
  async function submit(browser: Browser, path: string, form: Record<string, string>): Promise<string> {
    const { headers } = await browser
      .post(path)
      .set('Host', 'Shop.test:81')
      .type('form')
      .send(form)
      .expect(302);
    expect(headers.location).toMatch(/^http:\/\/Shop\.test:81\//);
    return headers.location!.slice('http://Shop.test:81'.length);
  }

  const user = async (id: number) => (await shop.db.one<User>('SELECT * FROM users WHERE id = ?', [id]))!;
  const event = async (id: number) => (await shop.db.one<Event>('SELECT * FROM events WHERE id = ?', [id]))!;

  test('login and logout', async () => {
    const browser = shop.visitor();
    const email = 'user4@example.test';
    expect(await submit(browser, '/login', { email, password: 'wrong' })).toBe('/login?error=1');
    expect(await submit(browser, '/login', { email: 'x@example.test', password: 'ticketnow' })).toBe(
      '/login?error=1',
    );
    expect(await submit(browser, '/login', {})).toBe('/login?error=1');
    await browser.get('/api/me').expect(401);
    expect(await submit(browser, '/login', { email: ' User4@Example.test ', password: 'ticketnow' })).toBe(
      '/account',
    );
    expect((await browser.get('/api/me').expect(200)).body.id).toBe(4);
    expect(await submit(browser, '/logout', {})).toBe('/');
    await browser.get('/api/me').expect(401);
    expect(await submit(browser, '/logout', {})).toBe('/');
  });

  test('login with JSON', async () => {
    const wrong = { error: 'wrong email or password' };
    for (const body of [{ email: 'user4@example.test', password: 'x' }, { email: ['a'], password: {} }, {}]) {
      await visitor.post('/login').send(body).expect(200, wrong);
    }
    await visitor
      .post('/login')
      .send({ email: 'user13@example.test', password: 'ticketnow' })
      .expect(200, wrong);
    const { body } = await shop
      .visitor()
      .post('/login')
      .send({ email: 'user4@example.test', password: 'ticketnow' });
    expect(body).toEqual({
      ok: true,
      user: { id: 4, email: 'user4@example.test', full_name: (await user(4)).full_name, role: 'customer' },
    });
  });

  test('register', async () => {
    const form = { email: 'New@example.test', password: 'long enough', full_name: ' Ñandú 🎷 ' };
    const browser = shop.visitor();
    expect(await submit(browser, '/register', { ...form, email: 'nobody' })).toBe('/register?error=email');
    expect(await submit(browser, '/register', { ...form, password: 'short' })).toBe(
      '/register?error=password',
    );
    expect(await submit(browser, '/register', { ...form, password: 'é'.repeat(40) })).toBe(
      '/register?error=password',
    );
    expect(await submit(browser, '/register', { ...form, full_name: ' ' })).toBe('/register?error=full_name');
    expect(await submit(browser, '/register', { ...form, email: 'user2@example.test' })).toBe(
      '/register?error=taken',
    );
    expect(await submit(browser, '/register', form)).toBe('/account');
    expect((await browser.get('/api/me')).body).toMatchObject({
      email: 'new@example.test',
      full_name: 'Ñandú 🎷',
    });
    await shop
      .visitor()
      .post('/login')
      .send(form)
      .expect(200, /"ok":true/);
  });

  test('the profile', async () => {
    const form = { full_name: ' Zoë ', phone: '', city: 'Łódź', bio: 'a\r\nb', newsletter: 'on' };
    expect(await submit(user2, '/account/profile', form)).toBe('/account?saved=1');
    const expected = { full_name: 'Zoë', phone: null, city: 'Łódź', bio: 'a\r\nb', newsletter: 1 };
    expect(await user(2)).toMatchObject(expected);
    expect(await submit(user2, '/account/profile', { ...form, full_name: '' })).toBe(
      '/account?error=full_name',
    );
    expect(await submit(user2, '/account/profile', { ...form, phone: '1'.repeat(31) })).toBe(
      '/account?error=phone',
    );
    expect(await submit(user2, '/account/profile', {})).toBe('/account?error=full_name');
    expect(await user(2)).toMatchObject(expected);
    expect(await submit(user2, '/account/profile', { full_name: 'Zoë' })).toBe('/account?saved=1');
    expect(await user(2)).toMatchObject({ city: null, bio: null, newsletter: 0 });
    expect(await submit(visitor, '/account/profile', form)).toBe('/login');
  });

  test('paying', async () => {
    const { body } = await user2.post('/api/bookings').send({ event_id: 1, num_tickets: 1 }).expect(201);
    const pay = (browser: Browser, id: unknown) => submit(browser, `/account/bookings/${id}/pay`, {});
    expect(await pay(visitor, body.id)).toBe('/login');
    expect(await pay(admin, body.id)).toBe('/account?error=booking');
    expect(await pay(user2, body.id)).toBe(`/account?paid=${body.id}`);
    const paid = (await user2.get(`/api/bookings/${body.id}`)).body as Booking;
    expect(paid).toMatchObject({ status: 'paid', expires_at: body.expires_at });
    expect(paid.paid_at).toMatch(/Z$/);
    for (const id of [body.id, 'x', -1, 999_999, 99_999_999_999]) {
      expect(await pay(user2, id)).toBe('/account?error=booking');
    }
    await user2.post(`/api/bookings/${body.id}/cancel`).expect(200, /"ok":true/);
  });

  test("the admin's stock form", async () => {
    const add = (id: unknown, tickets: string) =>
      submit(admin, `/admin/events/${id}/stock`, { add: tickets });
    const before = await event(9);
    expect(await add(9, '12 more')).toBe('/admin/events/9?saved=1');
    expect(await event(9)).toMatchObject({ stock: before.stock + 12, total_stock: before.total_stock + 12 });
    expect((await event(9)).updated_at > before.updated_at).toBe(true);
    expect(await add(9, '-12')).toBe('/admin/events/9?saved=1');
    for (const refused of ['', '0', 'x', '100001', '-100001', String(-before.stock - 1)]) {
      expect(await add(9, refused)).toBe('/admin/events/9?error=stock');
    }
    expect(await event(9)).toMatchObject({ stock: before.stock, total_stock: before.total_stock });
    expect(await add(9, String(-before.stock))).toBe('/admin/events/9?saved=1');
    expect(await event(9)).toMatchObject({ stock: 0, total_stock: before.total_stock - before.stock });
    expect(await add(7, '1')).toBe('/admin/events/7?saved=1'); // cancelled ones, too
    for (const unknown of [8, 999, 'x', 99_999_999_999])
      expect(await add(unknown, '1')).toBe('/admin?error=event');
  });

  test("the admin's event form", async () => {
    const form = {
      title: ' "Quotes" & <b> ',
      description: '',
      category: 'comedy',
      venue_id: '1',
      starts_at: '2031-02-28T20:15',
      price: '7.5',
      status: 'cancelled',
    };
    expect(await submit(admin, '/admin/events/10', form)).toBe('/admin/events/10?saved=1');
    const expected = {
      title: '"Quotes" & <b>',
      starts_at: '2031-02-28 20:15:00',
      price_cents: 750,
      status: 'cancelled',
    };
    expect(await event(10)).toMatchObject(expected);
    for (const [field, value] of [
      ['title', ''],
      ['category', 'x'.repeat(51)],
      ['venue_id', '999'],
      ['starts_at', '2031-02-29 20:15:00'],
      ['price', '-1'],
      ['price', '1,50'],
      ['status', 'gone'],
    ] as const) {
      expect(await submit(admin, '/admin/events/10', { ...form, [field]: value })).toBe(
        `/admin/events/10?error=${field}`,
      );
    }
    await admin
      .post('/admin/events/10')
      .send({ ...form, price: { toString: 1 } })
      .expect(302);
    expect(await event(10)).toMatchObject(expected);
    expect(await submit(admin, '/admin/events/8', form)).toBe('/admin?error=event');
  });

  test.each(['/admin/events/1/stock', '/admin/events/1'])('%s is for the admin', async (path) => {
    expect(await submit(visitor, path, { add: '1' })).toBe('/login');
    const refused = await user2.post(path).type('form').send({ add: '1' }).expect(403, 'Forbidden');
    expect(refused.headers['content-type']).toBe('text/html; charset=utf-8');
  });

  test('a comment on a blog post', async () => {
    const post = await shop.db.one<{ slug: string }>('SELECT slug FROM posts WHERE id = 1');
    const page = `/blog/${post?.slug}`;
    expect(await submit(user2, `${page}/comments`, { body: ' <i>hm</i>\n"yes" ' })).toBe(`${page}?saved=1`);
    expect((await visitor.get(page)).text).toContain('&lt;i&gt;hm&lt;/i&gt;\n&#34;yes&#34;');
    expect(await submit(user2, `${page}/comments`, { body: '  ' })).toBe(`${page}?error=comment`);
    expect(await submit(user2, `${page}/comments`, { body: 'x'.repeat(2001) })).toBe(`${page}?error=comment`);
    expect(await submit(visitor, `${page}/comments`, { body: 'x' })).toBe('/login');
    await user2.post('/blog/nothing/comments').send('body=x').expect(404);
    await user2.post('/blog/%00/comments').send('body=x').expect(404);
  });
});
