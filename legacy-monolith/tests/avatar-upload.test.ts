import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browser, startTicketNow, type TicketNow } from './ticketnow.ts';

const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const jpeg = Buffer.from('ffd8ffe000104a46494600', 'hex');
const gif = Buffer.from('GIF89a\x01\x00\x01\x00', 'latin1');

let shop: TicketNow;
let user2: Browser;

beforeAll(async () => {
  shop = await startTicketNow();
  user2 = await shop.loggedIn(2);
});

afterAll(() => shop.close());

const upload = (browser: Browser, content: Buffer, name = 'me.png', field = 'avatar') =>
  browser.post('/account/avatar').attach(field, content, name).expect(302);
const avatarUrl = async () => (await user2.get('/api/users/2')).body.avatar_url;

test.each([
  ['png', png],
  ['jpg', jpeg],
  ['gif', gif],
])('a %s is kept, served, and replaces the one before', async (type, content) => {
  await upload(user2, content, '../../evil.html').expect('Location', `http://${shop.host}/account?saved=1`);
  const url = await avatarUrl();
  expect(url).toMatch(new RegExp(`^/uploads/[0-9a-f-]{36}\\.${type}$`));
  const served = await user2
    .get(url)
    .expect(200)
    .expect('Content-Type', /^image\//);
  expect(Buffer.compare(served.body, content)).toBe(0);
  expect(await readdir(shop.uploadsDir)).toHaveLength(1);
  expect((await user2.get('/account')).text).toContain(`src="${url}"`);
});

test('what is no picture, or too large, or no upload at all, changes nothing', async () => {
  const before = await avatarUrl();
  const refused = `http://${shop.host}/account?error=avatar`;
  await upload(user2, Buffer.from('<script>alert(1)</script>'), 'me.png').expect('Location', refused);
  await upload(user2, Buffer.alloc(0)).expect('Location', refused);
  await upload(user2, Buffer.concat([png, Buffer.alloc(1_048_576)])).expect('Location', refused);
  await upload(user2, png, 'me.png', 'other').expect('Location', refused);
  await user2.post('/account/avatar').type('form').send('avatar=x').expect(302).expect('Location', refused);
  const truncated = user2.post('/account/avatar').set('Content-Type', 'multipart/form-data; boundary=b');
  await truncated
    .send('--b\r\nContent-Disposition: form-data; name="avatar"')
    .expect(302)
    .expect('Location', refused);
  expect(await avatarUrl()).toBe(before);
  expect(await readdir(shop.uploadsDir)).toHaveLength(1);
});

test('a visitor is sent to the login', async () => {
  await upload(shop.visitor(), png).expect('Location', `http://${shop.host}/login`);
});
