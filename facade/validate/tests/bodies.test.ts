import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ask, RawClient } from '../../tests/raw-client.ts';
import { documentOf, send, startValidated } from './validated-route.ts';

const order = {
  type: 'object',
  required: ['item', 'quantity'],
  additionalProperties: false,
  properties: {
    item: { type: 'string' },
    quantity: { type: 'integer', minimum: 1 },
    note: { type: ['string', 'null'] },
    tags: { type: 'array', uniqueItems: true },
    parent: { $ref: '#/components/schemas/Order' },
  },
};

const shop = documentOf(
  {
    '/orders': {
      post: {
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/Order' } },
            'application/x-www-form-urlencoded': {},
          },
        },
      },
    },
    '/open': { post: { requestBody: { content: { 'application/*': { schema: { type: 'object' } } } } } },
    '/silent': { post: {} },
  },
  { Order: order },
);

const good = '{ "item": "a",\r\n "quantity": 2.0e0, "note": "\\u00e9" }';

describe('a body that fits is sent on, byte for byte', () => {
  test('with a length, in chunks, and compressed', async () => {
    const { facade, bodies } = await startValidated(shop);
    expect((await ask(facade.port, send('POST', '/orders', good))).status).toBe(200);
    const chunked = `${good.length.toString(16)}\r\n${good}\r\n0\r\n\r\n`;
    expect(
      (await ask(facade.port, send('POST', '/orders', chunked, 'Transfer-Encoding: chunked'))).status,
    ).toBe(200);
    const zipped = gzipSync(good);
    expect((await ask(facade.port, send('POST', '/orders', zipped, 'Content-Encoding: gzip'))).status).toBe(
      200,
    );
    expect(bodies.map(String).slice(0, 2)).toEqual([good, good]);
    expect(bodies[2]).toEqual(zipped);
  });

  test('in pieces, larger than what a stream buffers', async () => {
    const { facade, bodies } = await startValidated(shop, { settings: ', body: 1MiB' });
    const long = JSON.stringify({ item: 'x'.repeat(700_000), quantity: 1 });
    const bytes = send('POST', '/orders', long);
    const client = await RawClient.connect(facade.port);
    for (let at = 0; at < bytes.length; at += 50_000) client.send(bytes.subarray(at, at + 50_000));
    expect((await client.answer()).status).toBe(200);
    expect(String(bodies[0]) === long).toBe(true);
    expect((await client.send(send('POST', '/orders', good)).answer()).status).toBe(200);
  });

  test('after 100 Continue, which is said once', async () => {
    const { facade, bodies } = await startValidated(shop);
    const [head = '', ...rest] = send('POST', '/orders', good, 'Expect: 100-continue')
      .toString()
      .split('\r\n\r\n');
    const client = (await RawClient.connect(facade.port)).send(`${head}\r\n\r\n`);
    await client.until('100 Continue');
    client.send(rest.join('\r\n\r\n'));
    expect((await client.answer()).status).toBe(100);
    expect((await client.answer()).status).toBe(200);
    expect(bodies.map(String)).toEqual([good]);
  });

  test('where the document says nothing of it, it is not read', async () => {
    const { facade, bodies } = await startValidated(shop);
    expect((await ask(facade.port, send('POST', '/silent', '{"a":1,"a":2}'))).status).toBe(200);
    expect(
      (
        await ask(
          facade.port,
          send('POST', '/orders', 'a=1', 'Content-Type: application/x-www-form-urlencoded'),
        )
      ).status,
    ).toBe(200);
    expect(bodies.map(String)).toEqual(['{"a":1,"a":2}', 'a=1']);
  });
});

describe('a body that does not fit', () => {
  test.each<[string, string, string]>([
    ['[]', '', 'must be object'],
    ['{"item":"a"}', '', "must have required property 'quantity'"],
    ['{"item":1,"quantity":1}', '/item', 'must be string'],
    ['{"item":"a","quantity":1,"x/y":"secret-value"}', '/x~1y', 'must not be there'],
    ['{"item":"a","quantity":1,"parent":{"item":"b","quantity":0}}', '/parent/quantity', 'must be >= 1'],
    [
      '{"item":"a","quantity":1,"tags":[{"a":1,"b":2},{"b":2,"a":1}]}',
      '/tags',
      'must NOT have duplicate items',
    ],
    ['{', '', 'is not JSON'],
    ['', '', 'must be there'],
  ])('%s', async (body, pointer, message) => {
    const { facade, origin } = await startValidated(shop);
    const answer = await ask(facade.port, send('POST', '/orders', body));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'request_invalid',
      errors: [{ in: 'body', pointer, message }],
    });
    expect(answer.body).not.toContain('secret-value');
    expect(origin.asked).toEqual([]);
  });

  test('all of it is said at once, and the connection goes on', async () => {
    const { facade } = await startValidated(shop);
    const client = await RawClient.connect(facade.port);
    const wrong = await client.send(send('POST', '/orders', '{"item":1,"quantity":"x"}')).answer();
    expect(JSON.parse(wrong.body).errors).toHaveLength(2);
    expect((await client.send(send('POST', '/orders', good)).answer()).status).toBe(200);
  });

  test('a type that the document does not name, or an encoding that cannot be read: 415', async () => {
    const { facade, origin } = await startValidated(shop);
    for (const lines of [
      ['Content-Type: text/plain'],
      ['Content-Type: application/x-www-form-urlencoded', 'Content-Type: application/json'],
      ['Content-Type: application/json; charset=utf-16'],
      ['Content-Type: application/json', 'Content-Encoding: lzma'],
    ]) {
      const answer = await ask(facade.port, send('POST', '/orders', good, ...lines));
      expect(answer.status).toBe(415);
      expect(JSON.parse(answer.body).code).toBe('media_type_not_supported');
    }
    expect(
      (await ask(facade.port, send('POST', '/open', '{}', 'Content-Type: application/hal+json'))).status,
    ).toBe(200);
    expect(
      (await ask(facade.port, send('POST', '/open', '[]', 'Content-Type: application/hal+json'))).status,
    ).toBe(400);
    expect(origin.asked).toHaveLength(1);
  });

  test('mode: report sends it on as it came, too long ones included', async () => {
    const { facade, bodies } = await startValidated(shop, { settings: ', mode: report, body: 100B' });
    const long = JSON.stringify({ item: 'x'.repeat(200_000), quantity: 1 });
    const chunked = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
    expect((await ask(facade.port, send('POST', '/orders', '{'))).status).toBe(200);
    expect((await ask(facade.port, send('POST', '/orders', long))).status).toBe(200);
    expect(
      (await ask(facade.port, send('POST', '/orders', chunked, 'Transfer-Encoding: chunked'))).status,
    ).toBe(200);
    expect(bodies.map(String)).toEqual(['{', long, long]);
    const metrics = await facade.metrics();
    expect(metrics).toContain('strangler_validated_requests_total{route="all",result="invalid"} 1');
    expect(metrics).toContain('strangler_validated_requests_total{route="all",result="not_read"} 2');
  });
});

describe('attacks', () => {
  test('a body that is too long is not read to its end', async () => {
    const { facade, origin } = await startValidated(shop, { settings: ', body: 1KiB' });
    const announced = await ask(facade.port, send('POST', '/orders', 'x'.repeat(2000)));
    expect(announced.status).toBe(413);
    expect(JSON.parse(announced.body).code).toBe('body_too_large');
    const client = (await RawClient.connect(facade.port)).send(
      Buffer.concat([
        send('POST', '/orders', '', 'Transfer-Encoding: chunked'),
        Buffer.from(`fffff\r\n${'x'.repeat(2000)}`),
      ]),
    );
    expect((await client.answer()).status).toBe(413);
    expect(origin.asked).toEqual([]);
  });

  test('a small body that is large once it is decompressed', async () => {
    const { facade } = await startValidated(shop, { settings: ', body: 64KiB' });
    const bomb = gzipSync(Buffer.alloc(10_000_000, ' '));
    expect((await ask(facade.port, send('POST', '/orders', bomb, 'Content-Encoding: gzip'))).status).toBe(
      400,
    );
  });

  test('a client that never finishes', async () => {
    const { facade } = await startValidated(shop);
    const bytes = send('POST', '/orders', good);
    const client = (await RawClient.connect(facade.port)).send(bytes.subarray(0, -5));
    const answer = await client.answer();
    expect(answer.status).toBe(408);
    expect(JSON.parse(answer.body).code).toBe('request_timeout');
    expect(await client.closed()).toBe('end');
  });

  test('a client that leaves', async () => {
    const { facade, origin } = await startValidated(shop);
    const client = (await RawClient.connect(facade.port)).send(send('POST', '/orders', good).subarray(0, -5));
    await expect.poll(() => facade.metrics()).toContain('strangler_requests_in_flight 1');
    client.socket.destroy();
    expect(await facade.logged((line) => line.failure === 'client_gone')).toMatchObject({ status: 0 });
    expect(origin.asked).toEqual([]);
  });

  test.each<[string, string, RegExp]>([
    ['deep lists', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, /levels/],
    [
      'deep objects of a schema that refers to itself',
      `${'{"item":"a","quantity":1,"parent":'.repeat(1500)}1${'}'.repeat(1500)}`,
      /levels/,
    ],
    ['a member twice', '{"item":"a","quantity":1,"quantity":-1}', /twice/],
    ['a member twice, written differently', '{"item":"a","quantity":1,"\\u0071uantity":-1}', /twice/],
    ['__proto__', '{"item":"a","quantity":1,"__proto__":{"admin":true}}', /not allowed/],
    ['__proto__, escaped', '{"item":"a","quantity":1,"parent":{"\\u005f_proto__":1}}', /not allowed/],
    ['constructor.prototype', '{"item":"a","quantity":1,"constructor":{"prototype":{}}}', /not allowed/],
    ['what every object has', '{"toString":1}', /required property 'item'/],
    ['not UTF-8', '\xff', /UTF-8|JSON/],
    ['a byte order mark', '\ufeff{"item":"a","quantity":1}', /JSON/],
  ])('%s', async (_, body, message) => {
    const { facade, origin } = await startValidated(shop, { settings: ', body: 256KiB' });
    const answer = await ask(facade.port, send('POST', '/orders', body));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(message);
    expect(origin.asked).toEqual([]);
  });

  test('many items that must differ, a pattern that blows up, and a flood of mistakes take no time to speak of', async () => {
    const document = documentOf({
      '/a': {
        post: {
          requestBody: {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: {
                    unique: { type: 'array', uniqueItems: true },
                    text: { type: 'string', pattern: '^(a+)+$' },
                    mail: { type: 'string', format: 'email' },
                    link: { type: 'string', format: 'uri' },
                    bytes: { type: 'string', format: 'byte' },
                    all: { type: 'array', items: { type: 'string' } },
                  },
                },
              },
            },
          },
        },
      },
    });
    const { facade } = await startValidated(document, { settings: ', body: 1MiB' });
    const unique = Array.from({ length: 40_000 }, (_, index) => ({ index }));
    const bodies = [
      { unique },
      { text: `${'a'.repeat(100_000)}!` },
      { mail: `${'a.'.repeat(100_000)}@` },
      { link: `a:${'a'.repeat(500_000)} ` },
      { bytes: 'a'.repeat(500_000) },
      { all: Array(300_000).fill(1) },
    ];
    const statuses: number[] = [];
    for (const body of bodies)
      statuses.push((await ask(facade.port, send('POST', '/a', JSON.stringify(body)))).status);
    expect(statuses).toEqual([200, 400, 400, 400, 200, 400]);
  }, 20_000);
});
