import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { listen } from '../listen.ts';
import { portSetting } from '../port-setting.ts';

test('a port setting that is absent or empty takes the default', () => {
  expect(portSetting(undefined, 'SHOP_PORT', 4000)).toBe(4000);
  expect(portSetting('', 'SHOP_PORT', 4000)).toBe(4000);
  expect(portSetting('0', 'SHOP_PORT', 4000)).toBe(0);
});

test.each(['80a', '-1', '65536', '1e3', ' 80', '0x50', 'http'])('"%s" is no port', (value) => {
  expect(() => portSetting(value, 'SHOP_PORT', 4000)).toThrow(
    expect.objectContaining({
      code: 'port_invalid',
      exitCode: 2,
      message: expect.stringContaining('SHOP_PORT'),
    }),
  );
});

test('a port in use is a failure that names the port and the setting that changes it', async () => {
  const first = createServer();
  const address = { what: 'the shop', host: '127.0.0.1', port: 0, setting: 'SHOP_PORT' };
  const port = await listen(first, address);
  try {
    await expect(listen(createServer(), { ...address, port })).rejects.toMatchObject({
      code: 'port_in_use',
      line: `the shop cannot listen on 127.0.0.1:${port}: the port is in use. Set SHOP_PORT to another port (0 for any free one).`,
    });
  } finally {
    first.close();
  }
});
