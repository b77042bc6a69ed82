import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identityHeader, mintIdentity, OwnKeys } from '../identity.ts';
import { buildService, type Service } from '../service.ts';
import { callerOf } from '../testing/caller.ts';
import { type KeyPublisher, startKeyPublisher } from '../testing/key-publisher.ts';
import { listen } from '../testing/listen.ts';

let facade: KeyPublisher;
let booking: KeyPublisher;
let app: Service;
let call: ReturnType<typeof callerOf>;

beforeEach(async () => {
  facade = await startKeyPublisher();
  booking = await startKeyPublisher();
});
afterEach(async () => {
  await app.close();
  await facade.close();
  await booking.close();
});

async function startService(): Promise<void> {
  app = await buildService({
    name: 'kit',
    description: 'Under test.',
    identity: {
      keys: { jwks: { facade: facade.url, booking: booking.url }, own: booking.own },
      audience: 'kit',
      issuers: ['facade', 'booking'],
    },
    checks: {},
  });
  app.get('/api/v2/me', async ({ caller }) => caller);
  call = callerOf(await listen(app), 'kit');
}

async function calledWith(token: string) {
  const { status, json, headers } = await call('GET', '/api/v2/me', { headers: { [identityHeader]: token } });
  return { status, json, retryAfter: headers.get('retry-after') };
}

const claims = { audience: 'kit', userId: 7, role: 'customer' } as const;
const fromFacade = (own = facade.own) => mintIdentity({ ...claims, issuer: 'facade', own });
const fromBooking = (own = booking.own) => mintIdentity({ ...claims, issuer: 'booking', own });

describe('keys that a service can only verify', () => {
  test('each caller is recognised by the keys of his own', async () => {
    await startService();
    expect(await calledWith(await fromFacade())).toMatchObject({
      status: 200,
      json: { issuer: 'facade', userId: 7 },
    });
    expect(await calledWith(await fromBooking())).toMatchObject({ status: 200, json: { issuer: 'booking' } });
  });

  test('booking cannot sign as the facade, nor the facade as booking', async () => {
    await startService();
    const pretending = await mintIdentity({ ...claims, issuer: 'facade', own: booking.own });
    expect(await calledWith(pretending)).toMatchObject({ status: 401, json: { code: 'identity_invalid' } });
    expect((await calledWith(await fromBooking(facade.own))).status).toBe(401);
    expect((await calledWith(await fromFacade())).status).toBe(200);
  });

  test('nor under the name of one of its keys, nor with a published key as a secret, nor unsigned', async () => {
    await startService();
    const { kid, publicJwk } = facade.own.signing();
    const forged = (header: object, key: Parameters<SignJWT['sign']>[0]) =>
      new SignJWT({ role: 'admin' })
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'strangler-identity+jwt', ...header })
        .setIssuer('facade')
        .setAudience('kit')
        .setSubject('1')
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(key);
    const published = new TextEncoder().encode(JSON.stringify(publicJwk));
    const [head, payload] = (await forged({}, booking.own.signing().key)).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'strangler-identity+jwt' })).toString(
      'base64url',
    );
    for (const bad of [
      `${head}.${payload}.${(await fromBooking()).split('.')[2]}`,
      await forged({}, booking.own.signing().key),
      await forged({ alg: 'HS256' }, published),
      await forged({ typ: 'JWT' }, facade.own.signing().key),
      `${none}.${payload}.`,
    ]) {
      expect((await calledWith(bad)).status).toBe(401);
    }
    expect((await calledWith(await forged({}, facade.own.signing().key))).json).toMatchObject({ userId: 1 });
  });

  test('somebody whose keys nobody has named is nobody', async () => {
    await startService();
    const profile = await mintIdentity({ ...claims, issuer: 'profile', own: facade.own });
    expect((await calledWith(profile)).status).toBe(401);
    expect(
      (await calledWith(await mintIdentity({ ...claims, issuer: '__proto__', own: facade.own }))).status,
    ).toBe(401);
  });

  test('its own are published to everybody, without their private half', async () => {
    await startService();
    const { status, json } = await call('GET', '/.well-known/jwks.json', { as: null });
    expect(status).toBe(200);
    expect(json).toEqual({ keys: [{ ...booking.own.signing().publicJwk }] });
    expect(json.keys[0]).not.toHaveProperty('d');
  });
});

describe('the facade is away', () => {
  test('when the service starts: it comes up, says 503, and recovers by itself', async () => {
    await facade.stop();
    await startService();
    expect((await call('GET', '/readyz', { as: null })).status).toBe(200);
    expect(await calledWith(await fromFacade())).toMatchObject({
      status: 503,
      retryAfter: '1',
      json: { code: 'identity_keys_unavailable' },
    });
    expect((await calledWith(await fromBooking())).status).toBe(200);
    await facade.start();
    await expect
      .poll(async () => (await calledWith(await fromFacade())).status, { timeout: 30_000 })
      .toBe(200);
  });

  test('later: the keys that are known are used on', async () => {
    await startService();
    expect((await calledWith(await fromFacade())).status).toBe(200);
    await facade.stop();
    const other = await mintIdentity({ ...claims, userId: 8, issuer: 'facade', own: facade.own });
    expect(await calledWith(other)).toMatchObject({ status: 200, json: { userId: 8 } });
  });
});

describe('a new key', () => {
  test('is asked for when the first token names it, once for all requests', async () => {
    await startService();
    expect((await calledWith(await fromFacade())).status).toBe(200);
    const questions = facade.questions();
    const laterFile = path.join(path.dirname(facade.file), 'later.json');
    const later = new OwnKeys(laterFile);
    await writeFile(
      facade.file,
      JSON.stringify({ keys: [...(await entries(facade.file)), ...(await entries(laterFile))] }),
    );
    await expect.poll(() => facade.own.published().keys.length, { timeout: 30_000 }).toBe(2);
    const answers = () =>
      Promise.all(
        Array.from({ length: 20 }, async (_, userId) => {
          const token = await mintIdentity({ ...claims, userId, issuer: 'facade', own: later });
          return (await calledWith(token)).status;
        }),
      );
    // Within a second of the last fetch nobody asks again.
    await expect.poll(answers, { timeout: 30_000 }).toEqual(Array(20).fill(200));
    expect(facade.questions()).toBe(questions + 1);
  });

  test('that nobody publishes does not make the facade busy', async () => {
    await startService();
    expect((await calledWith(await fromFacade())).status).toBe(200);
    const questions = facade.questions();
    const unknown = Array.from({ length: 50 }, (_, made) =>
      new SignJWT({ iss: 'facade' })
        .setProtectedHeader({ alg: 'EdDSA', kid: `k${made}` })
        .sign(booking.own.signing().key),
    );
    const answers = await Promise.all((await Promise.all(unknown)).map(calledWith));
    expect(answers.every(({ status }) => status === 401)).toBe(true);
    expect(facade.questions() - questions).toBeLessThanOrEqual(2);
  });
});

describe('the file of own keys', () => {
  test('is made once, for its owner only, and read again', async () => {
    await startService();
    expect((await stat(booking.file)).mode & 0o777).toBe(0o600);
    expect(new OwnKeys(booking.file).signing().kid).toBe(booking.own.signing().kid);
  });

  test('that cannot be used is one line without its content', async () => {
    await startService();
    for (const bad of ['', 'not-json-d-secret', '{"keys":[{"kty":"RSA","d":"d-secret"}]}', '{"keys":[]}']) {
      await writeFile(booking.file, bad);
      let message = '';
      try {
        new OwnKeys(booking.file).signing();
      } catch (error) {
        message = String(error);
      }
      expect(message).toMatch(/^ConfigurationError: The keys in .* cannot be used: .*IDENTITY_KEYS_FILE/);
      expect(message).not.toContain('d-secret');
    }
  });
});

async function entries(file: string): Promise<object[]> {
  return (JSON.parse(await readFile(file, 'utf8')) as { keys: object[] }).keys;
}
