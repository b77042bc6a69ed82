import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { startApplication } from '../../embedded/tests/running-application.ts';
import { type HttpOrigin, startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { rotateKeys } from '../rotate-keys.ts';
import { issuerKey, startIssuer, token } from './issuer.ts';
import { jwtSettings, refusal, tokenInvalid, tokenRequired } from './shop.ts';

const routes = (servicePort: number, keys: string, jwt = '') => `version: 1
identity: { keys: "${keys}"${jwt} }
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: http://127.0.0.1:${servicePort}, identity: true }
routes:
  - { name: service, match: { path: /service/* }, to: service${jwt === '' ? '' : ', auth: jwt'} }
  - { name: own, match: { path: /own/* }, to: monolith${jwt === '' ? '' : ', auth: jwt'} }
`;

const startService = () => startOrigin((_, response) => response.end('service'));

const identities = ({ asked }: HttpOrigin) =>
  asked.map(({ headers }) => String(headers['x-strangler-identity']));

function verified(identity: string | undefined, jwks: JSONWebKeySet) {
  return jwtVerify(identity ?? '', createLocalJWKSet(jwks), {
    algorithms: ['EdDSA'],
    issuer: 'facade',
    audience: 'service',
    typ: 'strangler-identity+jwt',
  });
}

describe('identities that services can only verify', () => {
  test('are signed with a key that is made at the start, and published at the admin port', async () => {
    const service = await startService();
    const keys = path.join(await temporaryFolder(), 'keys.json');
    const facade = await startRunningFacade(routes(service.port, keys));
    expect((await ask(facade.port, get('/service/x'))).body).toBe('service');
    const answer = await fetch(`${facade.adminUrl}/.well-known/jwks.json`);
    const jwks = (await answer.json()) as JSONWebKeySet;
    expect(jwks.keys).toHaveLength(1);
    expect(Object.keys(jwks.keys[0] ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    expect((await verified(identities(service)[0], jwks)).payload).toMatchObject({ iss: 'facade' });
  });

  test('go by one file: two facades, and one that is started again, have the same keys', async () => {
    const service = await startService();
    const keys = path.join(await temporaryFolder(), 'keys.json');
    const published = async (adminUrl: string) => (await fetch(`${adminUrl}/.well-known/jwks.json`)).json();
    const one = await startRunningFacade(routes(service.port, keys));
    const two = await startRunningFacade(routes(service.port, keys));
    const first = await published(one.adminUrl);
    expect(await published(two.adminUrl)).toEqual(first);
    await one.close(0);
    const again = await startRunningFacade(routes(service.port, keys));
    expect(await published(again.adminUrl)).toEqual(first);
  });

  test('stay valid over a rotation, and the new key signs in its time', async () => {
    const service = await startService();
    const keys = path.join(await temporaryFolder(), 'keys.json');
    const facade = await startRunningFacade(routes(service.port, keys));
    const published = async () =>
      (await (await fetch(`${facade.adminUrl}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
    await ask(facade.port, get('/service/x'));
    const [old, next] = rotateKeys(keys, { lead: 4_000, overlap: 6_000 }).map(({ kid }) => kid);
    await expect
      .poll(async () => (await published()).keys.map(({ kid }) => kid), { timeout: 30_000 })
      .toEqual([old, next]);
    const overlap = await published();
    await expect
      .poll(
        async () => {
          await ask(facade.port, get('/service/x'));
          return decodeProtectedHeader(identities(service).at(-1) ?? '').kid;
        },
        { timeout: 30_000 },
      )
      .toBe(next);
    for (const identity of identities(service)) await verified(identity, overlap);
    await expect
      .poll(async () => (await published()).keys.map(({ kid }) => kid), { timeout: 30_000 })
      .toEqual([next]);
    expect(decodeProtectedHeader(identities(service)[0] ?? '').kid).toBe(old);
  });

  test('need keys that can be used: else the facade does not start, and one that runs keeps its own', async () => {
    const service = await startService();
    const folder = await temporaryFolder();
    const [good, bad] = [path.join(folder, 'good.json'), path.join(folder, 'bad.json')];
    await writeFile(bad, '{}');
    await expect(startRunningFacade(routes(service.port, bad))).rejects.toMatchObject({
      code: 'identity_keys_unusable',
      exitCode: 2,
    });
    const facade = await startRunningFacade(routes(service.port, good));
    const before = await (await fetch(`${facade.adminUrl}/.well-known/jwks.json`)).text();
    await facade.replaceRoutes(routes(service.port, bad));
    expect(await facade.logged(({ code }) => code === 'identity_keys_unusable')).toMatchObject({
      level: 'error',
    });
    expect((await ask(facade.port, get('/service/x'))).status).toBe(200);
    expect(await (await fetch(`${facade.adminUrl}/.well-known/jwks.json`)).text()).toBe(before);
  });
});

describe('within an application', () => {
  test('tokens are verified and identities signed as in the facade; the application publishes the keys', async () => {
    const service = await startService();
    const key = await issuerKey('one');
    const issuer = await startIssuer(key);
    const keys = path.join(await temporaryFolder(), 'keys.json');
    const jwt = `, jwt: ${jwtSettings(`jwks: "${issuer.url}"`)}`;
    const app = await startApplication(routes(service.port, keys, jwt));
    const bearer = `Authorization: Bearer ${await token(key)}`;
    expect((await ask(app.port, get('/service/x', bearer))).body).toBe('service');
    const { payload } = await verified(identities(service)[0], app.strangled.identityKeys());
    expect(payload).toMatchObject({ sub: '7', role: 'admin' });
    expect((await ask(app.port, get('/own/x', bearer))).body).toBe('own /own/x');
    for (const where of ['/service/x', '/own/x']) {
      expect(refusal(await ask(app.port, get(where)))).toEqual(tokenRequired);
      expect(refusal(await ask(app.port, get(where, 'Authorization: Bearer a.b.c')))).toEqual(tokenInvalid);
    }
    expect(service.asked).toHaveLength(1);
  });
});
