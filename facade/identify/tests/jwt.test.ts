import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { parseRoutes } from '../../routes/load.ts';
import { ask, RawClient } from '../../tests/raw-client.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { authNotes } from '../notes.ts';
import { audience, issuerKey, issuerName, pemOf, startIssuer, token } from './issuer.ts';
import { jwtSettings, refusal, secret, shopRoutes, startShop, tokenInvalid, tokenRequired } from './shop.ts';

async function startWithIssuer(more = '') {
  const key = await issuerKey('one');
  const issuer = await startIssuer(key);
  const shop = await startShop(jwtSettings(`jwks: "${issuer.url}"${more}`));
  const bearer = async (change?: Parameters<typeof token>[1]) =>
    `Authorization: Bearer ${await token(key, change)}`;
  return { key, issuer, shop, bearer };
}

const ada = { sub: '7', role: 'admin' };
const nobody = { sub: undefined, role: undefined };

describe('a bearer token', () => {
  test('says who calls; the service gets the signed identity, and the token untouched', async () => {
    const { shop, bearer } = await startWithIssuer();
    const header = await bearer();
    expect(await shop.caller('/token/x', header)).toEqual(ada);
    expect(shop.service.asked[0]?.headers.authorization).toBe(header.slice('Authorization: '.length));
  });

  test('is verified whatever the backend; the application gets it untouched', async () => {
    const { shop, bearer } = await startWithIssuer();
    const header = await bearer();
    expect(await shop.get('/token-app/x', header)).toMatchObject({ status: 200, body: 'app' });
    expect(shop.app.asked[0]?.headers.authorization).toBe(header.slice('Authorization: '.length));
    expect(refusal(await shop.get('/token-app/x'))).toEqual(tokenRequired);
    expect(refusal(await shop.get('/token-app/x', 'Authorization: Bearer a.b.c'))).toEqual(tokenInvalid);
    expect(shop.app.asked).toHaveLength(1);
  });

  test('is asked for where it is missing, and another scheme is none', async () => {
    const { shop } = await startWithIssuer();
    expect(refusal(await shop.get('/token/x'))).toEqual(tokenRequired);
    expect(refusal(await shop.get('/token/x', 'Authorization: Basic eDp5'))).toEqual(tokenRequired);
    expect(refusal(await shop.get('/token/x', 'Cookie: sid=ada'))).toEqual(tokenRequired);
  });

  test('may have its scheme in any case', async () => {
    const { key, shop } = await startWithIssuer();
    for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
      expect(await shop.caller('/token/x', `authorization: ${scheme} ${await token(key)}`)).toEqual(ada);
    }
  });

  test('that is optional: none is nobody, a bad one is refused', async () => {
    const { shop, bearer } = await startWithIssuer();
    expect(await shop.caller('/optional/x')).toEqual(nobody);
    expect(await shop.caller('/optional/x', await bearer())).toEqual(ada);
    expect(refusal(await shop.get('/optional/x', 'Authorization: Bearer a.b.c'))).toEqual(tokenInvalid);
  });

  test('or a session, whichever is there; a bad token is not made good by a session', async () => {
    const { shop, bearer } = await startWithIssuer();
    expect(
      await shop.caller('/either/x', await bearer({ payload: { sub: '8' } }), 'Cookie: sid=ada'),
    ).toEqual({
      sub: '8',
      role: 'admin',
    });
    expect(shop.app.asked).toEqual([]);
    expect(await shop.caller('/either/x', 'Cookie: sid=ada')).toEqual(ada);
    const bad = await shop.get('/either/x', 'Authorization: Bearer a.b.c', 'Cookie: sid=ada');
    expect(refusal(bad)).toEqual(tokenInvalid);
    expect(refusal(await shop.get('/either/x'))).toEqual(tokenRequired);
    expect(refusal(await shop.get('/either/x', 'Cookie: sid=unknown'))).toEqual(tokenRequired);
  });

  test('names the user and the role in the claims that the file says', async () => {
    const { shop, bearer } = await startWithIssuer(', userId: legacy_id, role: kind');
    const named = (payload: object) => bearer({ payload: { ...payload } });
    expect(await shop.caller('/token/x', await named({ legacy_id: 12, kind: 'customer' }))).toEqual({
      sub: '12',
      role: 'customer',
    });
    expect(await shop.caller('/token/x', await named({ legacy_id: '12', kind: ['admin'] }))).toEqual({
      sub: '12',
      role: undefined,
    });
    for (const id of [undefined, '', null, 1.5, { id: 1 }, 'x'.repeat(300)]) {
      expect(refusal(await shop.get('/token/x', await named({ legacy_id: id })))).toEqual(tokenInvalid);
    }
  });

  test('may be off by what clocks may differ, and no more', async () => {
    const { shop, bearer } = await startWithIssuer(', clockTolerance: 30s');
    const now = Math.floor(Date.now() / 1000);
    expect(await shop.caller('/token/x', await bearer({ payload: { exp: now - 5, nbf: now + 20 } }))).toEqual(
      ada,
    );
    expect(refusal(await shop.get('/token/x', await bearer({ payload: { exp: now - 40 } })))).toEqual(
      tokenInvalid,
    );
  });

  test('is needed for a WebSocket too', async () => {
    const { shop } = await startWithIssuer();
    const client = await RawClient.connect(shop.facade.port);
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    client.send(
      `GET /token/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`,
    );
    expect(refusal(await client.answer())).toEqual(tokenRequired);
    expect(shop.service.asked).toEqual([]);
  });
});

describe('the issuer’s keys', () => {
  test('are fetched once for many tokens, and again for a key that is new', async () => {
    const { key, issuer, shop, bearer } = await startWithIssuer();
    const first = await bearer();
    const callers = await Promise.all(Array.from({ length: 20 }, () => shop.caller('/token/x', first)));
    expect(callers).toEqual(Array(20).fill(ada));
    expect(issuer.questions()).toBe(1);
    // Within the cool-down an unknown key is not asked for.
    const two = await issuerKey('two', 'RS256');
    issuer.keys = [key.publicJwk, two.publicJwk];
    expect(refusal(await shop.get('/token/x', `Authorization: Bearer ${await token(two)}`))).toEqual(
      tokenInvalid,
    );
    expect(issuer.questions()).toBe(1);
  });

  test('stay in use over an edit of another part of routes.yaml, also while the issuer is down', async () => {
    const { issuer, shop, bearer } = await startWithIssuer();
    expect(await shop.caller('/token/x', await bearer())).toEqual(ada);
    await issuer.origin.close();
    const text = shopRoutes(shop.app.port, shop.service.port, jwtSettings(`jwks: "${issuer.url}"`));
    await shop.facade.replaceRoutes(text.replace('name: optional', 'name: renamed'));
    await shop.facade.logged(({ msg }) => msg === 'routes.yaml is in force');
    expect(await shop.caller('/token/x', await bearer({ payload: { sub: '9' } }))).toMatchObject({
      sub: '9',
    });
  });

  test('that nobody can get: 503, not 401, and the address stays unsaid; asked again later', async () => {
    const { key, issuer, shop, bearer } = await startWithIssuer();
    const { keys } = issuer;
    issuer.keys = undefined;
    const answer = await shop.get('/token/x', await bearer());
    expect(answer.status).toBe(503);
    expect(answer.header('retry-after')).toBe('1');
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'keys_unavailable', route: 'token' });
    expect(answer.body).not.toContain('127.0.0.1');
    expect((await shop.facade.logged((line) => line.msg.startsWith('keys could not'))).reason).toContain(
      '500',
    );
    expect(shop.service.asked).toEqual([]);
    issuer.keys = keys;
    await expect
      .poll(async () => (await shop.get('/token/x', await bearer())).status, { timeout: 30_000 })
      .toBe(200);
    expect(await token(key)).toMatch(/^eyJ/);
  });

  test.each([
    ['a page that is no JWKS', '<html>'],
    ['a list without keys', '{"keys":[]}'],
    ['private keys', '{"keys":[{"kty":"RSA","d":"x","n":"x","e":"AQAB"}]}'],
    ['more than it should be', `{"keys":[${'{"kty":"RSA"},'.repeat(30_000)}{}]}`],
  ])('%s instead of them: 503', async (_, text) => {
    const { issuer, shop, bearer } = await startWithIssuer();
    issuer.origin.server.removeAllListeners('request');
    issuer.origin.server.on('request', (_request, response) => response.end(text));
    expect((await shop.get('/token/x', await bearer())).status).toBe(503);
  });

  test('in a PEM file have no names, so any kid will do', async () => {
    const key = await issuerKey('one', 'ES256');
    const folder = await temporaryFolder();
    const file = path.join(folder, 'login.pem');
    await writeFile(file, pemOf(key));
    const shop = await startShop(jwtSettings(`publicKeys: "${file}"`, '[ES256]'));
    const bearer = async (kid: string | undefined) =>
      `Authorization: Bearer ${await token(key, { header: { kid } })}`;
    expect(await shop.caller('/token/x', await bearer('whatever'))).toEqual(ada);
    expect(await shop.caller('/token/x', await bearer(undefined))).toEqual(ada);
    const other = await token(await issuerKey('one', 'ES256'));
    expect(refusal(await shop.get('/token/x', `Authorization: Bearer ${other}`))).toEqual(tokenInvalid);
  });

  test('in a JWKS file go by their names', async () => {
    const [one, two] = [await issuerKey('one', 'EdDSA'), await issuerKey('two', 'EdDSA')];
    const folder = await temporaryFolder();
    const file = path.join(folder, 'login.json');
    await writeFile(file, JSON.stringify({ keys: [one.publicJwk, two.publicJwk] }));
    const shop = await startShop(jwtSettings(`publicKeys: "${file}"`, '[EdDSA]'));
    for (const key of [one, two]) {
      expect(await shop.caller('/token/x', `Authorization: Bearer ${await token(key)}`)).toEqual(ada);
    }
  });

  test('are not needed where issuer and facade share a secret', async () => {
    const shared = 'another secret of the tests, which is long enough too';
    const shop = await startShop(jwtSettings(`secret: "\${JWT_SECRET}"`, '[HS256]'), { JWT_SECRET: shared });
    const signed = (secret: string, alg = 'HS256') =>
      new SignJWT({ sub: '7', role: 'admin' })
        .setProtectedHeader({ alg })
        .setIssuer(issuerName)
        .setAudience(audience)
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(secret));
    expect(await shop.caller('/token/x', `Authorization: Bearer ${await signed(shared)}`)).toEqual(ada);
    for (const bad of [await signed(`${shared}.`), await signed(shared, 'HS512')]) {
      expect(refusal(await shop.get('/token/x', `Authorization: Bearer ${bad}`))).toEqual(tokenInvalid);
    }
  });
});

test('fig explain says what a caller has to bring', () => {
  const table = parseRoutes(
    shopRoutes(1, 2, jwtSettings('jwks: "https://login.example/jwks"')),
    'routes.yaml',
    {
      env: { SECRET: secret },
    },
  );
  const notes = table.routes.map((route) => [route.name, ...authNotes(route)]);
  expect(Object.fromEntries(notes)).toMatchObject({
    token: 'needs a bearer token',
    optional: 'takes a bearer token, and goes on without',
    either: 'needs a bearer token or a session',
    app: undefined,
  });
});

test('a route without auth takes no notice of a token, good or bad', async () => {
  const { shop, issuer } = await startWithIssuer();
  expect((await shop.get('/x', 'Authorization: Bearer a.b.c')).status).toBe(200);
  expect((await ask(shop.facade.port, 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(200);
  expect(issuer.questions()).toBe(0);
});
