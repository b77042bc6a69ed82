import { describe, expect, test } from 'vitest';
import { startApplication } from '../../embedded/tests/running-application.ts';
import { bodyOf, startOrigin } from '../../tests/origins.ts';
import { get, RawClient } from '../../tests/raw-client.ts';

// Limits within an application: for routes that go to a service as in the facade, for the application's own as far
// as the request has not been read yet.

async function start(more = '') {
  const service = await startOrigin(async (request, response) => {
    const body = await bodyOf(request).catch(() => Buffer.alloc(0));
    response.end(`service ${body.length}`);
  });
  const application = await startApplication(
    `version: 1
limits: { body: 100B }
backends:
  monolith: { url: http://127.0.0.1:9 }
  service: { url: "http://127.0.0.1:${service.port}" }
routes:
  - { name: to-service, match: { path: /service/* }, to: service }
  - { name: limited, match: { path: /service/limited }, to: service, rateLimit: { requests: 1, per: 1h } }
  - { name: closed, match: { path: /service/closed }, to: service, addresses: { deny: [127.0.0.1] } }
  - { name: own-limited, match: { path: /own/limited }, to: monolith, rateLimit: { requests: 1, per: 1h } }
  - { name: own-closed, match: { path: /own/closed }, to: monolith, addresses: { deny: [127.0.0.1] } }
${more}`,
    {
      build(app, strangled) {
        app.use(strangled);
        app.use(async (request, response) => {
          response.send(`own ${(await bodyOf(request)).length}`);
        });
      },
    },
  );
  return { service, application, client: await RawClient.connect(application.port) };
}

const announced = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`;
const grows = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n\r\n`;

describe('a route that goes to a service', () => {
  test('has its rate limit', async () => {
    const { client, application } = await start();
    const first = await client.send(get('/service/limited')).answer();
    expect([first.body, first.header('ratelimit')]).toEqual(['service 0', '"limited";r=0;t=3600']);
    const refused = await client.send(get('/service/limited')).answer();
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([429, 'rate_limited']);
    expect(await application.metrics()).toContain('strangler_rate_limited_total{route="limited"} 1');
  });

  test('is closed to whom it is closed', async () => {
    const { client, service } = await start();
    expect((await client.send(get('/service/closed')).answer()).status).toBe(403);
    expect(service.asked).toHaveLength(0);
  });

  test('takes no longer bodies than it may, announced or not', async () => {
    const { client } = await start();
    expect((await client.send(announced('/service/x', 100)).answer()).body).toBe('service 100');
    expect((await client.send(announced('/service/x', 101)).answer()).status).toBe(413);
    expect((await client.send(grows('/service/x', 100)).answer()).body).toBe('service 100');
    const refused = await client.send(grows('/service/x', 101)).answer();
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([413, 'body_too_large']);
    expect((await client.send(get('/service/x')).answer()).body).toBe('service 0');
  });
});

describe("the application's own", () => {
  test('routes have their rate limits', async () => {
    const { client } = await start();
    const first = await client.send(get('/own/limited')).answer();
    expect([first.body, first.header('ratelimit')]).toEqual(['own 0', '"own-limited";r=0;t=3600']);
    expect((await client.send(get('/own/limited')).answer()).status).toBe(429);
  });

  test('routes are closed to whom they are closed, and so is all of it where the file says so', async () => {
    const { client } = await start();
    expect((await client.send(get('/own/closed')).answer()).status).toBe(403);
    expect((await client.send(get('/unnamed')).answer()).body).toBe('own 0');
    const closed = await start('addresses: { allow: [127.0.0.9] }\n');
    expect((await closed.client.send(get('/unnamed')).answer()).status).toBe(403);
  });

  test('bodies are refused where their length is announced; others the application counts itself', async () => {
    const { client } = await start();
    expect((await client.send(announced('/own/x', 101)).answer()).status).toBe(413);
    expect((await client.send(grows('/own/x', 101)).answer()).body).toBe('own 101');
  });
});
