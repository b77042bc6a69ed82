import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApp } from '../app.ts';
import { purgeSessions } from '../middleware/session-store.ts';
import { type Browser, startTicketNow, type TicketNow } from './ticketnow.ts';

const credentials = { email: 'user2@example.test', password: 'ticketnow' };

let shop: TicketNow;
beforeEach(async () => {
  shop = await startTicketNow();
});
afterEach(() => shop.close());

const sessions = () =>
  shop.db.all<{ sid: string; data: string; expires_at: string }>('SELECT * FROM sessions');

async function login(browser: Browser): Promise<string> {
  const { headers } = await browser.post('/login').send(credentials).expect(200);
  return headers['set-cookie']![0]!;
}

test('a login sets one cookie for seven days, and reading pages sets none', async () => {
  const browser = shop.visitor();
  const cookie = await login(browser);
  expect(cookie).toMatch(/^ticketnow\.sid=s%3A[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
  const days = (Date.parse(/Expires=([^;]+)/.exec(cookie)![1]!) - Date.now()) / 86_400_000;
  expect(days).toBeCloseTo(7, 2);
  const page = await browser.get('/account').expect(200);
  expect(page.headers['set-cookie']).toBeUndefined();
  expect(await sessions()).toHaveLength(1);
});

test('a visitor who does not log in leaves no session', async () => {
  const page = await shop.visitor().get('/');
  expect(page.headers['set-cookie']).toBeUndefined();
  expect(await sessions()).toEqual([]);
});

test('logging in again makes a new session and ends the old one', async () => {
  const browser = shop.visitor();
  const first = await login(browser);
  const second = await login(browser);
  expect(second).not.toBe(first);
  expect(await sessions()).toHaveLength(1);
  await shop.visitor().get('/api/me').set('Cookie', first.split(';')[0]!).expect(401);
});

test('a logout ends the session, not only the cookie', async () => {
  const browser = shop.visitor();
  const cookie = await login(browser);
  await browser.post('/logout').expect(302);
  expect(await sessions()).toEqual([]);
  await shop.visitor().get('/api/me').set('Cookie', cookie.split(';')[0]!).expect(401);
});

test('another process with the same secret and database knows the session', async () => {
  const cookie = (await login(shop.visitor())).split(';')[0]!;
  const { app, feed } = createApp({
    db: shop.db,
    sessionSecret: 'test',
    uploadsDir: shop.uploadsDir,
    log: { log: () => undefined, error: () => undefined },
  });
  const { default: supertest } = await import('supertest');
  await supertest(app).get('/api/me').set('Cookie', cookie).expect(200);
  await supertest(app)
    .get('/api/me')
    .set('Cookie', `${cookie.slice(0, -3)}xxx`)
    .expect(401);
  feed.close();
});

test('a session that is over is no session, and the nightly purge deletes it', async () => {
  const over = shop.visitor();
  await login(over);
  await shop.db.run(`UPDATE sessions SET expires_at = '2020-01-01 00:00:00'`);
  await over.get('/api/me').expect(401);
  const fresh = shop.visitor();
  await login(fresh);
  expect(await purgeSessions(shop.db)).toBe(1);
  expect(await sessions()).toHaveLength(1);
  await fresh.get('/api/me').expect(200);
});

test('a session that cannot be read is no session', async () => {
  const browser = shop.visitor();
  await login(browser);
  await shop.db.run(`UPDATE sessions SET data = '{half'`);
  await browser.get('/api/me').expect(401);
});

test('a deleted user is logged out', async () => {
  const browser = shop.visitor();
  await login(browser);
  await shop.db.run(`UPDATE users SET deleted_at = '2026-01-01 00:00:00' WHERE id = 2`);
  await browser.get('/api/me').expect(401, { error: 'login required' });
  await browser.get('/account').expect(302);
});
