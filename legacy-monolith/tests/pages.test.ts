import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, startTicketNow, type TicketNow } from './ticketnow.ts';

let shop: TicketNow;
let visitor: Browser;
let user2: Browser;
let admin: Browser;

beforeAll(async () => {
  shop = await startTicketNow();
  visitor = shop.visitor();
  user2 = await shop.loggedIn(2);
  admin = await shop.loggedIn(1);
});

afterAll(() => shop.close());

const page = async (browser: Browser, path: string) => {
  const answer = await browser.get(path).expect(200).expect('Content-Type', 'text/html; charset=utf-8');
  return answer.text;
};

test('the catalogue lists, searches and pages', async () => {
  expect(await page(visitor, '/')).toContain('<small>7 found</small>');
  expect(await page(visitor, '/?q=no+such+thing')).toContain('Try fewer words');
  const first = await page(visitor, '/?per_page=3&q=');
  expect(first).toContain('Page 1 of 3');
  expect(await page(visitor, '/?q="><script>')).not.toContain('"><script>');
});

test('an event offers tickets to who is logged in', async () => {
  expect(await page(visitor, '/events/1')).toContain('Log in to book');
  expect(await page(user2, '/events/1')).toContain('<form id="book">');
  expect(await page(visitor, '/events/7')).toContain('This event is cancelled.');
  expect(await page(visitor, '/events/6')).toContain('not on sale');
});

test('drafts are for the admin, deleted events for nobody', async () => {
  await visitor.get('/events/4').expect(404);
  await user2.get('/events/4').expect(404);
  await admin.get('/events/4').expect(200);
  await admin.get('/events/8').expect(404);
});

test("everybody's text is escaped", async () => {
  const evil = `</textarea></title><script>alert("x")</script>'`;
  await shop.db.run('UPDATE events SET title = ?, description = ?, category = ? WHERE id = 2', [
    evil,
    evil,
    evil,
  ]);
  await shop.db.run('UPDATE users SET full_name = ?, bio = ?, city = ? WHERE id = 2', [evil, evil, evil]);
  await user2.post('/api/bookings').send({ event_id: 2, num_tickets: 1 }).expect(201);
  for (const [browser, path] of [
    [visitor, '/'],
    [visitor, '/events/2'],
    [user2, '/account'],
    [admin, '/admin'],
    [admin, '/admin/events/2'],
  ] as const) {
    const text = await page(browser, path);
    expect(text).toContain('&lt;script&gt;alert(&#34;x&#34;)');
    expect(text).not.toContain('<script>alert');
  }
});

test('the blog shows what is published and not deleted', async () => {
  const list = await page(visitor, '/blog');
  const posts = await shop.db.all<{ slug: string; deleted_at: string | null }>('SELECT * FROM posts');
  for (const post of posts) {
    expect(list.includes(`/blog/${post.slug}"`)).toBe(post.deleted_at === null);
    await visitor.get(`/blog/${post.slug}`).expect(post.deleted_at === null ? 200 : 404);
  }
});

test('the account says what happened, in words of its own', async () => {
  expect(await page(user2, '/account?saved=1')).toContain('Saved.');
  expect(await page(user2, '/account?paid=5<b>')).toContain('booking 5 is paid');
  expect(await page(user2, '/account?error=booking')).toContain('cannot be paid');
  expect(await page(user2, '/account?error[]=__proto__')).toContain('That did not work.');
});

test('pages that need a login redirect to it, the admin pages refuse customers', async () => {
  for (const path of ['/account', '/admin', '/admin/events/1', '/admin/reports/sales.csv']) {
    await visitor.get(path).expect(302).expect('Location', `http://${shop.host}/login`);
  }
  for (const path of ['/admin', '/admin/events/1', '/admin/reports/sales.csv']) {
    await user2.get(path).expect(403, 'Forbidden');
  }
});

describe('errors', () => {
  test('are pages without a stack trace', async () => {
    const missing = await visitor
      .get('/nothing')
      .expect(404)
      .expect('Content-Type', 'text/html; charset=utf-8');
    expect(missing.text).toContain('404 Not Found');
    const malformed = await visitor.post('/login').type('json').send('{').expect(400);
    expect(malformed.text).toContain('400 Bad Request');
    const undecodable = await visitor.get('/events/%E0%A4%A').expect(400);
    for (const { text } of [missing, malformed, undecodable]) expect(text).not.toMatch(/ at .*\.(js|ts)/);
  });

  test('of the application itself are logged and not shown', async () => {
    const broken = await startTicketNow();
    await broken.db.run('ALTER TABLE events RENAME TO elsewhere');
    const api = await broken.visitor().get('/api/events').expect(500, { error: 'internal error' });
    const html = await broken.visitor().get('/').expect(500);
    expect(html.text).toContain('500 Internal Server Error');
    expect(api.text + html.text).not.toContain('no such table');
    expect(broken.errors.join()).toContain('no such table');
    await broken.close();
  });

  test('of the database show in /health', async () => {
    const broken = await startTicketNow();
    await broken.db.close();
    await broken.visitor().get('/health').expect(503, { status: 'down' });
    await broken.close();
  });
});

test('the style sheet is there', async () => {
  await visitor
    .get('/style.css')
    .expect(200)
    .expect('Content-Type', /text\/css/);
});
