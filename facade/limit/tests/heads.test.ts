import { expect, test } from 'vitest';
import { mirror, startBytesOrigin, startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';

async function startWith(headers: string, port?: number) {
  const origin = await startOrigin(mirror);
  origin.server.maxHeadersCount = 0;
  const yaml = (limits: string) => `version: 1
limits: { headers: ${limits} }
backends: { origin: { url: "http://127.0.0.1:${port ?? origin.port}" } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`;
  const facade = await startRunningFacade(yaml(headers));
  const change = async (limits: string) => {
    await facade.replaceRoutes(yaml(limits));
    await facade.logged(({ msg }) => msg.endsWith('in force'));
  };
  return { facade, change };
}

/** A head of so many bytes. */
function headOf(bytes: number): string {
  const empty = get('/', 'X-Long: ');
  return get('/', `X-Long: ${'x'.repeat(bytes - empty.length)}`);
}

const lines = (count: number) =>
  get('/', ...Array.from({ length: count - 1 }, (_, index) => `x-${index}: 1`));

test('a head may be as large as the file says, to the byte', async () => {
  const { facade } = await startWith('{ size: 2KiB }');
  expect((await ask(facade.port, headOf(2048))).status).toBe(200);
  const refused = await ask(facade.port, headOf(2049));
  expect(refused.status).toBe(431);
  expect(JSON.parse(refused.body)).toMatchObject({
    code: 'headers_too_large',
    detail: 'The request line and headers may have at most 2048 bytes.',
  });
});

test('also more than the server would take otherwise', async () => {
  const origin = await startBytesOrigin('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const { facade } = await startWith('{ size: 64KiB }', origin.port);
  expect((await ask(facade.port, headOf(60_000))).status).toBe(200);
  expect(JSON.parse((await ask(facade.port, headOf(66_000))).body)).toMatchObject({
    code: 'headers_too_large',
  });
});

test('and have as many lines', async () => {
  const { facade } = await startWith('{ count: 300 }');
  expect((await ask(facade.port, lines(300))).status).toBe(200);
  const refused = await ask(facade.port, lines(301));
  expect(refused.status).toBe(431);
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'too_many_headers' });
});

test('an edit to less holds for the next request', async () => {
  const { facade, change } = await startWith('{ size: 8KiB }');
  expect((await ask(facade.port, headOf(4096))).status).toBe(200);
  await change('{ size: 2KiB, count: 5 }');
  expect((await ask(facade.port, headOf(4096))).status).toBe(431);
  expect((await ask(facade.port, lines(6))).status).toBe(431);
});
