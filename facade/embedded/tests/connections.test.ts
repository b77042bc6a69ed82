import { expect, test } from 'vitest';
import { startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startApplication } from './running-application.ts';

const routes = (port: number) => `version: 1
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: http://127.0.0.1:${port} }
routes:
  - { name: api, match: { path: /api/* }, to: service }
`;

const withoutService = `version: 1
backends:
  monolith: { url: http://127.0.0.1:9 }
routes:
  - { name: all, match: { path: /* }, to: monolith }
`;

test('one is used again and again', async () => {
  const origin = await startRawOrigin(
    (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  );
  const app = await startApplication(routes(origin.port));
  for (let sent = 0; sent < 5; sent++) expect((await ask(app.port, get('/api/x'))).body).toBe('ok');
  expect(origin.sockets).toHaveLength(1);
});

// A backend, or whoever has taken its place, sends an answer before it is asked. If the connection were kept, the
// next client would be given that answer.
test('one on which bytes arrive unasked is not used again', async () => {
  const origin = await startRawOrigin((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const app = await startApplication(routes(origin.port));
  expect((await ask(app.port, get('/api/x'))).body).toBe('ok');
  origin.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
  await expect.poll(() => origin.sockets[0]?.destroyed).toBe(true);
  expect((await ask(app.port, get('/api/x'))).body).toBe('ok');
});

test('those to a service that routes.yaml no longer has are let go, after what runs on them', async () => {
  const { promise, resolve: finish } = Promise.withResolvers<void>();
  const origin = await startOrigin(async (request, response) => {
    response.write('begun ');
    if (request.url === '/api/slow') await promise;
    response.end('finished');
  });
  const open = () =>
    new Promise<number>((resolve) => origin.server.getConnections((_, count) => resolve(count)));
  const app = await startApplication(routes(origin.port));
  const client = (await RawClient.connect(app.port)).send(get('/api/slow'));
  await client.until('begun');
  await ask(app.port, get('/api/fast'));
  await app.replaceRoutes(withoutService);
  await app.logged((line) => line.msg.includes('in force'));
  await expect.poll(open).toBe(1);
  finish();
  expect((await client.answer()).body).toBe('begun finished');
  await expect.poll(open).toBe(0);
});
