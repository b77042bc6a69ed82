import { describe, expect, test } from 'vitest';
import { startApplication } from '../../embedded/tests/running-application.ts';
import { mirror, startOrigin } from '../../tests/origins.ts';
import { get } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { askFrom } from './client-from.ts';

// The loopback's addresses stand for the network: 127.0.1.0/24 are the proxies, 127.0.2.2 is not one.

const yaml = (port: number, more = 'trustedProxies: [127.0.1.0/24]') => `version: 1
${more}
backends:
  origin: { url: "http://127.0.0.1:${port}" }
  a: { url: "http://127.0.0.1:${port}" }
routes:
  - { name: limited, match: { path: /limited }, to: origin, rateLimit: { requests: 1, per: 1h } }
  - { name: office, match: { path: /office }, to: origin, addresses: { allow: [203.0.113.0/24] } }
  - { name: sticky, match: { path: /sticky }, to: { origin: 50, a: 50 }, sticky: address }
  - { name: rest, match: { path: /* }, to: origin }
`;

async function start(more?: string, host?: string) {
  const origin = await startOrigin(mirror);
  const facade = await startRunningFacade(yaml(origin.port, more), host === undefined ? {} : { host });
  const asked = (from: string, path: string, ...headers: string[]) =>
    askFrom(from, facade.port, get(path, ...headers));
  /** What the backend hears of the client. */
  const told = async (from: string, ...headers: string[]) => {
    const { text } = await asked(from, '/', ...headers);
    const { headers: heard } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
    return { for: heard['x-forwarded-for'], proto: heard['x-forwarded-proto'] };
  };
  return { origin, facade, asked, told };
}

const proxy = '127.0.1.1';
const stranger = '127.0.2.2';

describe('nobody is trusted where the file does not say so', () => {
  test('a client that writes X-Forwarded-For is still itself', async () => {
    const { told } = await start('');
    const line = 'X-Forwarded-For: 203.0.113.5';
    expect(await told(proxy, line, 'X-Forwarded-Proto: https')).toEqual({ for: proxy, proto: 'http' });
  });
});

describe('attacks', () => {
  test('a client who names another address with each request does not escape a rate limit', async () => {
    const { asked } = await start();
    const guess = async (index: number) =>
      (await asked(stranger, '/limited', `X-Forwarded-For: 198.51.100.${index}`)).status;
    expect([await guess(1), await guess(2), await guess(3)]).toEqual([200, 429, 429]);
  });

  test('a client behind the proxy who names another address with each request does not either', async () => {
    const { asked } = await start();
    // The proxy has added the address that it sees.
    const guess = async (index: number) =>
      (await asked(proxy, '/limited', `X-Forwarded-For: 198.51.100.${index}, 192.0.2.9`)).status;
    expect([await guess(1), await guess(2), await guess(3)]).toEqual([200, 429, 429]);
  });

  test('nor with header lines of its own before the one of the proxy', async () => {
    const { asked } = await start();
    const guess = async (index: number) => {
      const own = `X-Forwarded-For: 198.51.100.${index}`;
      return (await asked(proxy, '/limited', own, own, 'x-forwarded-for: 192.0.2.9')).status;
    };
    expect([await guess(1), await guess(2)]).toEqual([200, 429]);
  });

  test('a client who claims an address of the office is not let in', async () => {
    const { asked } = await start();
    const claim = 'X-Forwarded-For: 203.0.113.5';
    expect((await asked(stranger, '/office', claim)).status).toBe(403);
    expect((await asked(proxy, '/office', `${claim}, 192.0.2.9`)).status).toBe(403);
    expect((await asked(proxy, '/office', claim)).status).toBe(200);
  });

  test('a client who claims to be a proxy, left of its own address, is not one', async () => {
    const { asked, told } = await start();
    const claim = 'X-Forwarded-For: 203.0.113.5, 127.0.1.7, 192.0.2.9';
    expect((await asked(proxy, '/office', claim)).status).toBe(403);
    expect(await told(proxy, claim)).toMatchObject({ for: `192.0.2.9, ${proxy}` });
  });

  test('an address of the office in the form of IPv6 is that address, and no more believed than it', async () => {
    const { asked } = await start();
    for (const form of ['::ffff:203.0.113.5', '::FFFF:CB00:7105', '0:0:0:0:0:ffff:cb00:7105']) {
      expect((await asked(proxy, '/office', `X-Forwarded-For: ${form}`)).status).toBe(200);
      expect((await asked(stranger, '/office', `X-Forwarded-For: ${form}`)).status).toBe(403);
    }
  });

  test('one client that is written in several forms has one bucket', async () => {
    const { asked } = await start();
    const forms = [
      '192.0.2.9',
      '::ffff:192.0.2.9',
      '::ffff:c000:209',
      '192.0.2.9:5555',
      '[::ffff:192.0.2.9]:1',
    ];
    const statuses = [];
    for (const form of forms) {
      statuses.push((await asked(proxy, '/limited', `X-Forwarded-For: ${form}`)).status);
    }
    expect(statuses).toEqual([200, 429, 429, 429, 429]);
  });

  test('a client with a whole IPv6 network has one bucket for it', async () => {
    const { asked } = await start();
    const statuses = [];
    for (const form of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1']) {
      statuses.push((await asked(proxy, '/limited', `X-Forwarded-For: ${form}`)).status);
    }
    expect(statuses).toEqual([200, 429, 200]);
  });

  test.each([
    ['unknown'],
    [''],
    ['203.0.113.5 203.0.113.6'],
    ['203.0.113.5;drop'],
    ['203.0.113.005'],
    ['203.0.113'],
    ['203.0.113.5%eth0'],
    ['fe80::1%eth0'],
    ['[203.0.113.5'],
    ['<script>'],
    ['203.0.113.5:123456'],
  ])('what is no address (%j) ends the walk at the last one that was vouched for', async (bad) => {
    const { told } = await start();
    const lines = `X-Forwarded-For: 203.0.113.5, ${bad}, 127.0.1.7`;
    expect(await told(proxy, lines)).toMatchObject({ for: `127.0.1.7, ${proxy}` });
    expect(await told(proxy, `X-Forwarded-For: ${bad}`)).toMatchObject({ for: proxy });
  });

  test('a chain of thousands of proxies is not walked', async () => {
    const { told } = await start();
    const chain = Array.from({ length: 2000 }, () => '127.0.1.7').join(', ');
    const { for: heard } = await told(proxy, `X-Forwarded-For: 203.0.113.5, ${chain}`);
    expect(heard.split(', ')).toHaveLength(33);
    expect(heard).not.toContain('203.0.113.5');
  });

  test('other headers of proxies are dropped, whoever sends them', async () => {
    const { asked } = await start();
    const { text } = await asked(
      proxy,
      '/',
      ...[
        'Forwarded: for=6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'X-Forwarded-Host: evil',
        'X_Forwarded_For: 6.6.6.6',
      ],
    );
    expect(text).not.toMatch(/6\.6\.6\.6|evil/);
  });
});

describe('what a trusted proxy says counts', () => {
  test('the address of the client, in the rate limit, the log, and to the backend', async () => {
    const { asked, told, facade } = await start();
    const from = (address: string) => `X-Forwarded-For: ${address}`;
    expect(await told(proxy, from('192.0.2.9, 127.0.1.8, 127.0.1.7'))).toMatchObject({
      for: `192.0.2.9, 127.0.1.8, 127.0.1.7, ${proxy}`,
    });
    expect((await asked(proxy, '/limited', from('192.0.2.9'))).status).toBe(200);
    expect((await asked('127.0.1.9', '/limited', from('192.0.2.9'))).status).toBe(429);
    expect((await asked(proxy, '/limited', from('192.0.2.10'))).status).toBe(200);
    await facade.logged(({ path, address }) => path === '/limited' && address === '192.0.2.10');
  });

  test('the side that a client is on, by its address', async () => {
    const { asked, facade } = await start();
    const sides = new Set<unknown>();
    for (let index = 0; index < 12; index++) {
      await asked(proxy, '/sticky', `X-Forwarded-For: 192.0.2.${index}`);
      await asked(proxy, '/sticky', 'X-Forwarded-For: 192.0.2.200');
    }
    const lines = facade.log.filter(({ path }) => path === '/sticky');
    for (const { address, backend } of lines) if (address !== '192.0.2.200') sides.add(backend);
    expect(sides.size).toBe(2);
    const same = lines.filter(({ address }) => address === '192.0.2.200').map(({ backend }) => backend);
    expect(new Set(same).size).toBe(1);
  });

  test('a proxy that passes on its own request is the client', async () => {
    const { told } = await start();
    expect(await told(proxy)).toEqual({ for: proxy, proto: 'http' });
    expect(await told(proxy, 'X-Forwarded-For: 127.0.1.8')).toMatchObject({ for: `127.0.1.8, ${proxy}` });
  });

  test.each([
    [['https'], 1, 'https'],
    [['HTTPS'], 1, 'https'],
    [['gopher'], 1, 'http'],
    // Each proxy has added one: the client's is beside the client's address.
    [['http, https, http'], 3, 'https'],
    // Only the last has, and the client wrote the first.
    [['https, http'], 3, 'http'],
    [['https', 'http'], 3, 'http'],
  ])('the scheme %j, with %i addresses, is %s', async (schemes, addresses, scheme) => {
    const { told } = await start();
    // The client's own claim, the client, and a proxy.
    const chain = ['203.0.113.5', '192.0.2.9', '127.0.1.7'].slice(-addresses).join(', ');
    const lines = schemes.map((value) => `X-Forwarded-Proto: ${value}`);
    expect(await told(proxy, `X-Forwarded-For: ${chain}`, ...lines)).toMatchObject({ proto: scheme });
  });

  test('a proxy on a dual-stack socket is recognised', async () => {
    const { told } = await start(undefined, '::');
    expect(await told(proxy, 'X-Forwarded-For: 192.0.2.9')).toMatchObject({ for: `192.0.2.9, ${proxy}` });
  });

  test('an edit says whom to trust from then on', async () => {
    const { told, facade, origin } = await start('');
    expect(await told(proxy, 'X-Forwarded-For: 192.0.2.9')).toMatchObject({ for: proxy });
    await facade.replaceRoutes(yaml(origin.port));
    await facade.logged(({ msg }) => msg.endsWith('in force'));
    expect(await told(proxy, 'X-Forwarded-For: 192.0.2.9')).toMatchObject({ for: `192.0.2.9, ${proxy}` });
  });
});

describe('within an application', () => {
  async function startEmbedded(more: string, trustProxy: boolean) {
    const origin = await startOrigin(mirror);
    const application = await startApplication(yaml(origin.port, more), {
      self: 'a',
      build(app, strangled) {
        app.set('trust proxy', trustProxy);
        app.use(strangled);
      },
    });
    return async (from: string, ...headers: string[]) => {
      const { text } = await askFrom(from, application.port, get('/', ...headers));
      return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).headers['x-forwarded-for'];
    };
  }

  test('whom the application trusts is trusted, unless routes.yaml says whom', async () => {
    const line = 'X-Forwarded-For: 203.0.113.5, 192.0.2.9';
    expect(await (await startEmbedded('', false))(proxy, line)).toBe(proxy);
    expect(await (await startEmbedded('', true))(proxy, line)).toBe('203.0.113.5');
    const named = await startEmbedded('trustedProxies: [127.0.1.0/24]', true);
    expect(await named(proxy, line)).toBe(`192.0.2.9, ${proxy}`);
    expect(await named(stranger, line)).toBe(stranger);
  });
});
