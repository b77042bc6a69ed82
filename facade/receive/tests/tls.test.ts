import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { expect, test } from 'vitest';
import { mirror, startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import {
  CertificateFolder,
  connectTls,
  pemOf,
  secured,
  secureRoutes,
  shownTo,
  startSecureFacade,
} from './secure-facade.ts';

test.each([
  [['h2', 'http/1.1'], 'h2'],
  [['http/1.1'], 'http/1.1'],
  [undefined, false],
] as const)('a client that speaks %j gets %s', async (offered, agreed) => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const socket = await connectTls(tlsPort, { ...(offered && { ALPNProtocols: [...offered] }) });
  expect(socket.alpnProtocol).toBe(agreed);
});

test('a client that speaks neither is refused by name', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  await expect(connectTls(tlsPort, { ALPNProtocols: ['spdy/3'] })).rejects.toMatchObject({
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  });
});

test('http2: false leaves HTTP/1.1, and minVersion is kept', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port, 'http2: false\n  minVersion: TLSv1.3');
  const socket = await connectTls(tlsPort, { ALPNProtocols: ['h2', 'http/1.1'] });
  expect([socket.alpnProtocol, socket.getProtocol()]).toEqual(['http/1.1', 'TLSv1.3']);
  await expect(connectTls(tlsPort, { maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  });
});

test('HTTP/1.1 with TLS is answered as without, and says https to the backend', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const socket = await connectTls(tlsPort, { ca: await pemOf('shop'), rejectUnauthorized: true });
  socket.write(get('/a?b=1', 'Connection: close'));
  let answer = '';
  for await (const piece of socket) answer += piece;
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(origin.asked[0]?.headers).toMatchObject({ 'x-forwarded-proto': 'https', host: 'shop.example' });
});

test('what is not HTTP is refused with TLS too', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  const socket = await connectTls(tlsPort);
  socket.write('GET / HTTP/1.1\r\nHost : x\r\n\r\n');
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 .*malformed_request/s);
});

test('the certificate is chosen by server name, with one label for a star, and a default', async () => {
  const origin = await startOrigin(mirror);
  const folder = await CertificateFolder.make('shop', 'other', 'shop-renewed', 'nameless');
  const { tlsPort } = secured(
    await startRunningFacade(
      secureRoutes(origin.port, [
        folder.entry('other'),
        folder.entry('shop'),
        folder.entry('shop-renewed', 'shop.example, deep.a.shop.example'),
        folder.entry('nameless', '"*.partner.example"'),
      ]),
    ),
  );
  const shown = async (name: string | undefined) => shownTo(tlsPort, name);
  expect(await shown('other.example')).toBe('other');
  expect(await shown('a.shop.example')).toBe('shop');
  expect(await shown('A.Shop.Example')).toBe('shop');
  expect(await shown('b.a.shop.example')).toBe('other');
  expect(await shown('deep.a.shop.example')).toBe('shop-renewed');
  expect(await shown('x.partner.example')).toBe('nameless');
  expect(await shown('partner.example')).toBe('other');
  expect(await shown('nobody.example')).toBe('other');
  expect(await shown(undefined)).toBe('other');
  // Of two that are for one name, the first counts.
  expect(await shown('shop.example')).toBe('shop');
});

test('the port without TLS redirects, with method, path and query', async () => {
  const origin = await startOrigin(mirror);
  const facade = await startSecureFacade(origin.port);
  const answer = await ask(
    facade.port,
    'POST /a%2Fb/?q=1 HTTP/1.1\r\nHost: shop.example:80\r\nContent-Length: 2\r\n\r\nhi',
  );
  expect(answer.status).toBe(308);
  expect(answer.header('location')).toBe(`https://shop.example:${facade.tlsPort}/a%2Fb/?q=1`);
  const absolute = await ask(
    facade.port,
    'GET http://other.example/x HTTP/1.1\r\nHost: shop.example\r\n\r\n',
  );
  expect(absolute.header('location')).toBe(`https://other.example:${facade.tlsPort}/x`);
  expect(origin.asked).toEqual([]);
});

test('what cannot be redirected is refused', async () => {
  const origin = await startOrigin(mirror);
  const { port } = await startSecureFacade(origin.port);
  expect(await ask(port, 'GET / HTTP/1.0\r\n\r\n')).toMatchObject({
    status: 403,
    body: expect.stringContaining('tls_required'),
  });
  const handshake = get(
    '/',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  );
  expect((await ask(port, handshake)).status).toBe(403);
});

test('redirects name the public port, and `plain: serve` has none', async () => {
  const origin = await startOrigin(mirror);
  const mapped = await startSecureFacade(origin.port, 'publicPort: 443');
  expect((await ask(mapped.port, get('/a'))).header('location')).toBe('https://shop.example/a');
  const served = await startSecureFacade(origin.port, 'plain: serve');
  expect((await ask(served.port, get('/a'))).status).toBe(200);
  expect(origin.asked[0]?.headers['x-forwarded-proto']).toBe('http');
});

test('a WebSocket handshake with TLS reaches the backend', async () => {
  const origin = await startOrigin(mirror);
  origin.server.on('upgrade', (request, socket) => {
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\nx-proto: ${request.headers['x-forwarded-proto']}\r\n\r\n`,
    );
  });
  const { tlsPort } = await startSecureFacade(origin.port);
  const socket = await connectTls(tlsPort);
  socket.write(
    get(
      '/',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ),
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 .*x-proto: https/s);
});

async function started(...entries: string[]) {
  return startRunningFacade(secureRoutes(1, entries)).then(
    () => 'started',
    (error: { exitCode: number; message: string }) => `${error.exitCode} ${error.message}`,
  );
}

test('at the start, every certificate that cannot be used is named with its line', async () => {
  const folder = await CertificateFolder.make('shop', 'other', 'expired', 'not-yet-valid', 'nameless');
  await folder.putKey('other', 'shop');
  await folder.putKey('encrypted', 'other');
  await writeFile(path.join(folder.path, 'garbage.pem'), 'garbage');
  await writeFile(path.join(folder.path, 'garbage.key'), 'garbage');
  await folder.putCertificate('shop', 'badkey');
  await writeFile(path.join(folder.path, 'badkey.key'), 'garbage');
  const names = ['shop', 'other', 'expired', 'not-yet-valid', 'nameless', 'garbage', 'badkey', 'absent'];
  const told = await started(...names.map((name) => folder.entry(name)));
  const lines = told.split('\n').map((line) => line.replaceAll(folder.path, '').replace(/^.*yaml:/, ''));
  expect(told.startsWith('2 ')).toBe(true);
  expect(lines.map((line) => line.match(/^4:[0-9]+: ([a-z_]+): /)?.[1])).toEqual([
    'key_mismatch',
    'key_encrypted',
    'certificate_expired',
    'certificate_not_yet_valid',
    'certificate_without_names',
    'certificate_malformed',
    'key_malformed',
    'certificate_not_found',
    undefined,
  ]);
  expect(told).not.toContain('PRIVATE KEY-----\nM');
});

test('a port that is taken ends the start', async () => {
  const origin = await startOrigin(mirror);
  const folder = await CertificateFolder.make('shop');
  const yaml = secureRoutes(origin.port, [folder.entry('shop')]);
  await expect(startRunningFacade(yaml, { tlsPort: origin.port })).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining('listen'),
    hint: expect.stringContaining('FACADE_TLS_PORT'),
  });
});

test('a key that every user can read is warned of, and served', async () => {
  const origin = await startOrigin(mirror);
  const folder = await CertificateFolder.make('shop');
  await chmod(path.join(folder.path, 'shop.key'), 0o644);
  const facade = await startRunningFacade(secureRoutes(origin.port, [folder.entry('shop')]));
  await facade.logged(({ code }) => code === 'key_readable_by_all');
});

test('plain HTTP on the port with TLS is closed', async () => {
  const origin = await startOrigin(mirror);
  const { tlsPort } = await startSecureFacade(origin.port);
  await expect(ask(tlsPort, get('/'))).rejects.toThrow();
  const socket = tlsConnect({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.destroy();
});
