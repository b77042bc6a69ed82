import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { mirror, startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { AddressRanges, parseRange } from '../address-ranges.ts';
import { canonicalAddress } from '../canonical-address.ts';
import { askFrom } from './client-from.ts';

async function startWith(ofFile: string, ofRoute: string, host = '127.0.0.1') {
  const origin = await startOrigin(mirror);
  const yaml = `version: 1
${ofFile}
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes:
  - { name: guarded, match: { path: /guarded }, to: origin ${ofRoute} }
  - { name: rest, match: { path: /* }, to: origin }
`;
  const facade = await startRunningFacade(yaml, { host });
  const from = async (address: string, path: string) =>
    (await askFrom(address, facade.port, get(path), address.includes(':') ? '::1' : '127.0.0.1')).status;
  return { origin, facade, from };
}

test('a route takes requests from those that it allows only', async () => {
  const { facade, origin, from } = await startWith('', ', addresses: { allow: [127.0.0.2, 127.0.1.0/24] }');
  expect([await from('127.0.0.1', '/guarded'), await from('127.0.0.2', '/guarded')]).toEqual([403, 200]);
  expect([await from('127.0.1.77', '/guarded'), await from('127.0.2.1', '/guarded')]).toEqual([200, 403]);
  expect(await from('127.0.0.1', '/other')).toBe(200);
  expect(origin.asked).toHaveLength(3);
  const refused = await ask(facade.port, get('/guarded'));
  expect(refused.header('content-type')).toBe('application/problem+json');
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'address_refused', route: 'guarded' });
  expect(refused.body).not.toContain('127.');
  expect(await facade.metrics()).toContain('strangler_addresses_refused_total{route="guarded"} 3');
});

test('deny counts more than allow', async () => {
  const { from } = await startWith('', ', addresses: { allow: [127.0.0.0/8], deny: [127.0.0.2/31] }');
  const asked = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'].map((address) =>
    from(address, '/guarded'),
  );
  expect(await Promise.all(asked)).toEqual([200, 403, 403, 200]);
});

test('the file and the route must both admit', async () => {
  const { from } = await startWith(
    'addresses: { deny: [127.0.0.3], allow: [127.0.0.0/30] }',
    ', addresses: { allow: [127.0.0.2, 127.0.0.3, 127.0.0.9] }',
  );
  const asked = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.9'];
  expect(await Promise.all(asked.map((address) => from(address, '/guarded')))).toEqual([403, 200, 403, 403]);
  expect(await Promise.all(asked.map((address) => from(address, '/other')))).toEqual([200, 200, 403, 403]);
});

test('an IPv4 client of a dual-stack socket is the IPv4 address that it is', async () => {
  const { from } = await startWith('', ', addresses: { allow: [127.0.0.2, ::1] }', '::');
  expect([await from('127.0.0.1', '/guarded'), await from('127.0.0.2', '/guarded')]).toEqual([403, 200]);
  expect(await from('::1', '/guarded')).toBe(200);
});

test('WebSocket handshakes are refused alike', async () => {
  const { facade } = await startWith('', ', addresses: { deny: [127.0.0.1] }');
  const webSocket = new WebSocket(`ws://127.0.0.1:${facade.port}/guarded`);
  onTestFinished(() => webSocket.terminate());
  webSocket.on('error', () => {});
  const status = await new Promise((resolve) => {
    webSocket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode));
  });
  expect(status).toBe(403);
});

test('an edit takes effect for the next request on a connection that is open', async () => {
  const { facade, origin, from } = await startWith('', ', addresses: { allow: [127.0.0.1] }');
  expect(await from('127.0.0.1', '/guarded')).toBe(200);
  await facade.replaceRoutes(`version: 1
addresses: { deny: [127.0.0.1] }
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: rest, match: { path: /* }, to: origin }]
`);
  await facade.logged(({ msg }) => msg.endsWith('in force'));
  expect(await from('127.0.0.1', '/guarded')).toBe(403);
});

describe('ranges', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
    ['10.0.0.0/8', '10.255.255.255', '11.0.0.0'],
    ['0.0.0.0/0', '255.255.255.255', '::1'],
    ['203.0.113.128/25', '203.0.113.129', '203.0.113.127'],
    ['2001:db8::/32', '2001:db8:ffff::1', '2001:db9::'],
    ['2001:DB8:0:0::/64', '2001:db8::ffff', '2001:db8:0:1::'],
    ['::/0', 'fe80::1', '127.0.0.1'],
    ['::1', '::1', '::2'],
  ])('%s has %s and not %s', (text, inside, outside) => {
    const range = parseRange(text);
    if ('what' in range) throw new Error(range.what);
    const ranges = new AddressRanges([range]);
    expect([ranges.includes(inside), ranges.includes(outside)]).toEqual([true, false]);
    expect([ranges.includes(''), ranges.includes('unknown')]).toEqual([false, false]);
  });

  test.each([
    ['10.0.0.1/8', 'Write 10.0.0.0/8 for the range, or 10.0.0.1 for the one address.'],
    ['2001:db8::1/32', 'Write 2001:db8::/32 for the range, or 2001:db8::1 for the one address.'],
    ['10.0.0.0/33', 'Write 10.0.0.0/24, or 10.0.0.0 alone.'],
    ['10.0.0.0/08', 'Write 10.0.0.0/24, or 10.0.0.0 alone.'],
    ['10.0.0.0/', 'Write 10.0.0.0/24, or 10.0.0.0 alone.'],
    ['::ffff:10.0.0.0/104', 'Write 10.0.0.0/8.'],
    ['::ffff:a00:1', 'Write 10.0.0.1.'],
    ['010.0.0.1', 'Write an address such as'],
    ['10.0.0', 'Write an address such as'],
    ['10.0.0.0/8/8', 'Write an address such as'],
    ['fe80::1%eth0', 'Write an address such as'],
    ['internal.example', 'Write an address such as'],
    ['', 'Write an address such as'],
  ])('%j is none', (text, hint) => {
    expect(parseRange(text)).toMatchObject({ hint: expect.stringContaining(hint) });
  });

  test.each([
    ['::FFFF:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['0:0:0:0:0:ffff:7f00:0001', '127.0.0.1'],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.01', undefined],
    ['unknown', undefined],
  ])('%s is %s', (text, address) => {
    expect(canonicalAddress(text)).toBe(address);
  });
});
