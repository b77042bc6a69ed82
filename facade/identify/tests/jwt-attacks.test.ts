import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { startOrigin } from '../../tests/origins.ts';
import { ask } from '../../tests/raw-client.ts';
import { assembled, audience, issuerKey, issuerName, pemOf, startIssuer, token } from './issuer.ts';
import { jwtSettings, refusal, startShop, tokenInvalid, tokenRequired } from './shop.ts';

const now = Math.floor(Date.now() / 1000);
const claims = { iss: issuerName, aud: audience, sub: '7', iat: now, exp: now + 300 };

async function underAttack() {
  const key = await issuerKey('one');
  const issuer = await startIssuer(key);
  const shop = await startShop(jwtSettings(`jwks: "${issuer.url}"`));
  /** Every refusal is the same, reaches nobody, and neither tells why nor keeps the token. */
  const refuses = async (bad: string, reason: string) => {
    const answer = await shop.get('/token/x', `Authorization: Bearer ${bad}`);
    expect(refusal(answer)).toEqual(tokenInvalid);
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      status: 401,
      code: 'token_invalid',
      title: 'The token is not valid',
      detail: 'The bearer token is not valid here.',
      route: 'token',
    });
    expect(shop.service.asked).toEqual([]);
    expect(JSON.stringify(shop.facade.log)).not.toContain(bad.slice(0, 40));
    expect(await shop.facade.metrics()).toContain(
      `strangler_callers_refused_total{route="token",reason="${reason}"}`,
    );
  };
  return { key, issuer, shop, refuses };
}

describe('an attacker', () => {
  test('writes "alg": "none" and leaves the signature out', async () => {
    const { refuses } = await underAttack();
    for (const alg of ['none', 'None', 'NONE']) {
      await refuses(assembled({ alg, typ: 'JWT' }, claims), 'algorithm');
    }
  });

  test('takes the public RSA key, which everybody can read, for the secret of HS256', async () => {
    const { key, refuses } = await underAttack();
    const pem = pemOf(key);
    for (const secret of [pem, pem.trim(), JSON.stringify(key.publicJwk)]) {
      const unsigned = assembled({ alg: 'HS256', kid: 'one', typ: 'JWT' }, claims).slice(0, -1);
      const signature = createHmac('sha256', secret).update(unsigned).digest('base64url');
      await refuses(`${unsigned}.${signature}`, 'algorithm');
    }
  });

  test('comes back with a token that has expired, or that is not valid yet', async () => {
    const { key, refuses } = await underAttack();
    await refuses(await token(key, { payload: { exp: now - 60 } }), 'expired');
    await refuses(await token(key, { payload: { nbf: now + 60 } }), 'nbf');
  });

  test('leaves out when the token ends, for whom it is or who made it', async () => {
    const { key, refuses } = await underAttack();
    for (const name of ['exp', 'aud', 'iss']) {
      await refuses(await token(key, { payload: { [name]: undefined } }), name);
    }
  });

  test('brings a token of another issuer, or for another audience', async () => {
    const { key, refuses } = await underAttack();
    await refuses(await token(key, { payload: { iss: 'https://evil.example' } }), 'iss');
    await refuses(await token(key, { payload: { iss: `${issuerName}/` } }), 'iss');
    await refuses(await token(key, { payload: { aud: 'other' } }), 'aud');
    await refuses(await token(key, { payload: { aud: ['other', 'shopping'] } }), 'aud');
  });

  test('changes a word of the payload, or signs with a key of his own under the same name', async () => {
    const { key, refuses } = await underAttack();
    const [header = '', , signature = ''] = (await token(key)).split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: '1' })).toString('base64url');
    await refuses(`${header}.${forged}.${signature}`, 'signature');
    await refuses(await token(await issuerKey('one')), 'signature');
  });

  test('brings the key along: in the header, or as an address to fetch it from', async () => {
    const { refuses } = await underAttack();
    const own = await issuerKey('mine');
    const evil = await startOrigin((_, response) => response.end(JSON.stringify({ keys: [own.publicJwk] })));
    const jku = `http://127.0.0.1:${evil.port}/jwks.json`;
    await refuses(await token(own, { header: { jwk: own.publicJwk } }), 'key');
    await refuses(await token(own, { header: { jku, x5u: jku } }), 'key');
    expect(evil.asked).toEqual([]);
  });

  test('puts a path, SQL or an object into kid', async () => {
    const { key, issuer, refuses } = await underAttack();
    const kids = [
      '../../../../dev/null',
      "one' OR '1'='1",
      '__proto__',
      'constructor',
      `http://x/${'a'.repeat(500)}`,
    ];
    for (const kid of kids) await refuses(await token(key, { header: { kid } }), 'key');
    for (const kid of [{ toString: 'one' }, ['one'], 1, null]) {
      await refuses(await token(key, { header: { kid } }), 'key');
    }
    expect(new Set(issuer.origin.asked.map(({ url }) => url))).toEqual(new Set(['/jwks.json']));
  });

  test('makes up a new kid each time, so that the issuer is asked each time: it is asked once', async () => {
    const { key, issuer, refuses, shop } = await underAttack();
    for (let made = 0; made < 10; made++) {
      await refuses(await token(key, { header: { kid: `made-up-${made}` } }), 'key');
    }
    expect(issuer.questions()).toBe(1);
    expect(await shop.caller('/token/x', `Authorization: Bearer ${await token(key)}`)).toMatchObject({
      sub: '7',
    });
  });

  test('names no kid, where two keys could be meant', async () => {
    const { key, issuer, shop, refuses } = await underAttack();
    issuer.keys = [key.publicJwk, (await issuerKey('two')).publicJwk];
    await refuses(await token(key, { header: { kid: undefined } }), 'key');
    expect(await shop.caller('/token/x', `Authorization: Bearer ${await token(key)}`)).toMatchObject({
      sub: '7',
    });
  });

  test('marks an extension as critical that nobody here knows', async () => {
    const { key, refuses } = await underAttack();
    const now300 = { crit: ['exp'], exp: now + 300 };
    const signed = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one', ...now300 })
      .sign(key.privateKey, { crit: { exp: true } });
    await refuses(signed, 'malformed');
  });

  test('sends an enormous token', async () => {
    const { key, refuses, shop } = await underAttack();
    await refuses(await token(key, { payload: { filler: 'x'.repeat(12_000) } }), 'malformed');
    const larger = await shop.get('/token/x', `Authorization: Bearer ${'x'.repeat(64 * 1024)}`);
    expect(larger.status).toBe(431);
  });

  test('sends what is no token at all', async () => {
    const { shop, refuses } = await underAttack();
    for (const bad of [
      'gibberish',
      'half.a-token',
      'three.bad.parts',
      '.....',
      'e30.e30.e30',
      '%00.%00.%00',
      'a.b.c d.e.f',
    ]) {
      await refuses(bad, 'malformed');
    }
    expect(refusal(await shop.get('/token/x', 'Authorization: Bearer'))).toEqual(tokenInvalid);
    expect(refusal(await shop.get('/token/x', 'Authorization: Bearer  '))).toEqual(tokenInvalid);
  });

  test('sends two Authorization headers, of which somebody might read the other', async () => {
    const { key, shop } = await underAttack();
    const good = `Authorization: Bearer ${await token(key)}`;
    for (const pair of [
      [good, 'authorization: Bearer x.y.z'],
      ['authorization: Basic eDp5', good],
      [good, good],
    ]) {
      expect(refusal(await shop.get('/token/x', ...pair))).toEqual(tokenInvalid);
    }
    expect(shop.service.asked).toEqual([]);
  });

  test('puts a good token where others may see it: in the query, a form or a cookie. It does not count', async () => {
    const { key, shop } = await underAttack();
    const good = await token(key);
    expect(refusal(await shop.get(`/token/x?access_token=${good}`))).toEqual(tokenRequired);
    expect(refusal(await shop.get('/token/x', `Cookie: access_token=${good}`))).toEqual(tokenRequired);
    const form = `access_token=${good}`;
    const type = 'Content-Type: application/x-www-form-urlencoded';
    const post = `POST /token/x HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: ${form.length}\r\n\r\n${form}`;
    expect(refusal(await ask(shop.facade.port, post))).toEqual(tokenRequired);
    expect(shop.service.asked).toEqual([]);
  });

  test('forges the identity that the facade would sign', async () => {
    const { shop } = await underAttack();
    const answer = await shop.get('/token/x', 'X-Strangler-Identity: a.b.c');
    expect(refusal(answer)).toEqual(tokenRequired);
  });
});
