import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { json, none, startPair } from './compared-pair.ts';
import { bodyOf } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';

describe('settings of a comparison', () => {
  test('a sample is compared: the same share of traces, wherever they are seen', async () => {
    const { facade, counts, shadow } = await startPair(json(1), json(1), '{ with: other, sample: 25% }');
    const client = await RawClient.connect(facade.port);
    for (let quarter = 0; quarter < 8; quarter++) {
      const random = Math.floor((quarter / 8) * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
      const trace = `traceparent: 00-${'1'.repeat(24)}${random}-00f067aa0ba902b7-01`;
      await client.send(get(`/read/${quarter}`, trace)).answer();
    }
    expect(await counts()).toMatchObject({ equal: 2 });
    expect(shadow.asked.map(({ url }) => url).sort()).toEqual(['/read/0', '/read/1']);
    expect((await facade.routes()).routes.find(({ name }) => name === 'read')?.compare?.sample).toBe(0.25);
  });

  test('bodies up to a bound of the route’s own are compared', async () => {
    const { facade, counts, pairs } = await startPair(
      (request, response) => response.end('x'.repeat(Number(request.url?.slice(6)))),
      (_, response) => response.end('y'.repeat(1025)),
      '{ with: other, bodies: 1KiB }',
    );
    await ask(facade.port, get('/read/1025'));
    expect(await counts()).toMatchObject({ skipped: 1, failed: 0 });
    await ask(facade.port, get('/read/1024'));
    expect(await counts()).toMatchObject({ failed: 1, lastFailure: expect.stringContaining('1024') });
    expect(pairs.map(({ comparison }) => comparison.result)).toEqual(['skipped', 'failed']);
  });

  test('writes are sent to both sides with their bodies where the route says that this is safe', async () => {
    const bodies: string[] = [];
    const keep: (name: string) => RequestListener = (name) => async (request, response) => {
      bodies.push(`${name} ${request.method} ${await bodyOf(request)}`);
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":1}');
    };
    const { facade, counts, pairs } = await startPair(
      keep('first'),
      keep('other'),
      '{ with: other, writesSafe: true, bodies: 1KiB }',
    );
    const post = (body: string) =>
      `POST /read/x HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect(await ask(facade.port, post('hello'))).toMatchObject({ status: 201, body: '{"id":1}' });
    expect(await counts()).toEqual({ ...none, equal: 1 });
    expect(bodies).toEqual(['first POST hello', 'other POST hello']);
    expect(pairs[0]?.request).toMatchObject({ method: 'POST', body: Buffer.from('hello') });
    // A body that is not kept whole cannot be sent again.
    expect((await ask(facade.port, post('x'.repeat(1025)))).status).toBe(201);
    expect(await counts()).toMatchObject({ skipped: 1 });
    expect(bodies).toHaveLength(3);
  });

  test('both sides are seen as a client would see them: rewritten', async () => {
    const redirect: RequestListener = (request, response) =>
      response
        .writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}${request.url}` })
        .end();
    const { facade, pairs, shadow } = await startPair(
      redirect,
      redirect,
      'other',
      ', rewrite: { prefix: /v2, location: true, requestHeaders: { set: { x-a: "1" } } }',
    );
    await ask(facade.port, get('/read/x?q'));
    await facade.comparisonsSettled();
    expect(shadow.asked[0]).toMatchObject({ url: '/v2/x?q', headers: { 'x-a': '1' } });
    const { comparison } = pairs[0] ?? {};
    if (comparison?.result !== 'equal') throw new Error(`It is ${comparison?.result}.`);
    const location = ({ answer }: typeof comparison.first) =>
      answer.headers[answer.headers.findIndex((name) => name.toLowerCase() === 'location') + 1];
    expect(location(comparison.first)).toBe('http://shop.example/v2/x?q');
    expect(location(comparison.other)).toBe('http://shop.example/v2/x?q');
  });
});
