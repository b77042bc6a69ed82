import type { AddressInfo } from 'node:net';
import proxy from '@fastify/http-proxy';
import fastify from 'fastify';

// @fastify/http-proxy as its documentation sets it up, on its undici pool.
const app = fastify();
await app.register(proxy, {
  upstream: `http://127.0.0.1:${process.env.ORIGIN_PORT}`,
  undici: { connections: 128, pipelining: 1 },
});
await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ type: 'ready', port: (app.server.address() as AddressInfo).port });
process.on('disconnect', () => process.exit());
