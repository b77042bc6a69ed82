import { Agent } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

// http-proxy-middleware on Express, with a keep-alive agent, without which it is several times slower.
const app = express();
app.use(
  createProxyMiddleware({
    target: `http://127.0.0.1:${process.env.ORIGIN_PORT}`,
    agent: new Agent({ keepAlive: true, maxSockets: 128 }),
  }),
);
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : 0 });
});
process.on('disconnect', () => process.exit());
