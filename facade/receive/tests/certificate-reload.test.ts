import { mkdir, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { mirror, startOrigin } from '../../tests/origins.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';
import {
  answerOf,
  CertificateFolder,
  type CertificateName,
  connectHttp2,
  connectTls,
  secured,
  secureRoutes,
  shownTo,
} from './secure-facade.ts';

/** Resolves when a certificate has come into force that many times. */
async function inForce(facade: RunningFacade, times: number): Promise<void> {
  let seen = 0;
  await facade.logged(({ msg }) => msg === 'certificate is in force' && ++seen >= times);
}

async function facadeWith(folder: CertificateFolder, ...names: string[]) {
  const origin = await startOrigin(mirror);
  const entries = names.map((name) => folder.entry(name));
  const facade = secured(await startRunningFacade(secureRoutes(origin.port, entries)));
  return { origin, facade };
}

async function metric(facade: RunningFacade, name: string): Promise<string[]> {
  return (await facade.metrics()).split('\n').filter((line) => line.startsWith(name));
}

test('files that are replaced one after the other come into force, and connections stay', async () => {
  const folder = await CertificateFolder.make('shop');
  const { facade } = await facadeWith(folder, 'shop');
  const before = await connectHttp2(facade.tlsPort);
  expect((await answerOf(before.request({ ':path': '/1' }))).status).toBe(200);
  expect(await metric(facade, 'strangler_certificate_')).toEqual([
    `strangler_certificate_expires_timestamp_seconds{name="shop.example"} ${Date.UTC(2120, 0, 1) / 1000}`,
    'strangler_certificate_valid{name="shop.example"} 1',
  ]);
  await folder.putCertificate('shop-renewed', 'shop');
  await folder.putKey('shop-renewed', 'shop');
  await inForce(facade, 2);
  expect(await shownTo(facade.tlsPort, 'shop.example')).toBe('shop-renewed');
  expect(await shownTo(facade.tlsPort, undefined)).toBe('shop-renewed');
  expect((await answerOf(before.request({ ':path': '/2' }))).status).toBe(200);
  expect(await metric(facade, 'strangler_certificate_expires')).toEqual([
    `strangler_certificate_expires_timestamp_seconds{name="shop.example"} ${Date.UTC(2121, 0, 1) / 1000}`,
  ]);
});

test.each([
  ['half of a pair', 'key_mismatch', (folder) => folder.putCertificate('other', 'shop')],
  ['an expired one', 'certificate_expired', (folder) => folder.put('expired', 'shop')],
] satisfies [string, string, (folder: CertificateFolder) => Promise<void>][])(
  'of %s the last good one stays in force, and what is wrong is told',
  async (_, code, damage) => {
    const folder = await CertificateFolder.make('shop', 'other');
    const { facade } = await facadeWith(folder, 'shop');
    await damage(folder);
    const line = await facade.logged(({ level }) => level === 'error');
    expect(line).toMatchObject({ code, name: 'shop.example' });
    expect(await metric(facade, 'strangler_certificate_valid')).toEqual([
      'strangler_certificate_valid{name="shop.example"} 0',
    ]);
    expect(await shownTo(facade.tlsPort, 'shop.example')).toBe('shop');
    await folder.put('shop-renewed', 'shop');
    await inForce(facade, 2);
    expect(await shownTo(facade.tlsPort, 'shop.example')).toBe('shop-renewed');
    expect(await metric(facade, 'strangler_certificate_valid')).toEqual([
      'strangler_certificate_valid{name="shop.example"} 1',
    ]);
  },
);

test('a link that is swapped, as Kubernetes does', async () => {
  const folder = await CertificateFolder.make();
  const put = async (revision: string, name: CertificateName) => {
    await mkdir(path.join(folder.path, revision));
    await folder.put(name, path.join(revision, 'tls'));
    await symlink(revision, path.join(folder.path, `${revision}.link`));
    await rename(path.join(folder.path, `${revision}.link`), path.join(folder.path, '..data'));
  };
  await put('..1', 'shop');
  for (const end of ['pem', 'key']) {
    await symlink(path.join('..data', `tls.${end}`), path.join(folder.path, `tls.${end}`));
  }
  const { facade } = await facadeWith(folder, 'tls');
  expect(await shownTo(facade.tlsPort, 'shop.example')).toBe('shop');
  await put('..2', 'shop-renewed');
  await inForce(facade, 2);
  expect(await shownTo(facade.tlsPort, 'shop.example')).toBe('shop-renewed');
});

test('under load no request and no handshake fails while certificates change', async () => {
  const folder = await CertificateFolder.make('shop', 'other');
  const { facade } = await facadeWith(folder, 'shop', 'other');
  let changing = true;
  let handshakes = 0;
  const kept = await connectHttp2(facade.tlsPort);
  const ask = async () => {
    while (changing) {
      expect((await answerOf(kept.request({ ':path': '/' }))).status).toBe(200);
      const socket = await connectTls(facade.tlsPort, { ALPNProtocols: ['h2'] });
      expect(socket.getPeerCertificate().subject.CN).toMatch(/^shop/);
      socket.destroy();
      handshakes++;
    }
  };
  const asking = Promise.all([ask(), ask(), ask()]);
  for (let times = 2; times < 5; times++) {
    await folder.put(times % 2 === 0 ? 'shop-renewed' : 'shop', 'shop');
    // Two at the start.
    await inForce(facade, times + 1);
  }
  changing = false;
  await asking;
  expect(handshakes).toBeGreaterThan(3);
});

test('routes.yaml adds and removes certificates; a list that cannot be used changes nothing', async () => {
  const folder = await CertificateFolder.make('shop', 'other');
  const { facade, origin } = await facadeWith(folder, 'shop');
  expect(await shownTo(facade.tlsPort, 'other.example')).toBe('shop');
  await facade.replaceRoutes(secureRoutes(origin.port, [folder.entry('shop'), folder.entry('absent')]));
  expect(await facade.logged(({ level }) => level === 'error')).toMatchObject({
    code: 'certificate_not_found',
  });
  await facade.replaceRoutes(secureRoutes(origin.port, [folder.entry('other'), folder.entry('shop')]));
  await inForce(facade, 2);
  expect(await shownTo(facade.tlsPort, 'other.example')).toBe('other');
  expect(await shownTo(facade.tlsPort, undefined)).toBe('other');
  expect(await shownTo(facade.tlsPort, 'shop.example')).toBe('shop');
});

test('to speak TLS at all, or another version, is decided at the start', async () => {
  const folder = await CertificateFolder.make('shop');
  const { facade, origin } = await facadeWith(folder, 'shop');
  await facade.replaceRoutes(secureRoutes(origin.port, [folder.entry('shop')], 'http2: false'));
  await facade.logged(({ code }) => code === 'tls_needs_restart');
});
