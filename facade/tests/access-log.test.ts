import { expect, test } from 'vitest';
import { startOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { startRunningFacade } from './running-facade.ts';

async function startWith(accessLog: string) {
  const origin = await startOrigin((request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('ok'), 120);
    else response.writeHead(request.url === '/broken' ? 500 : 200).end('ok');
  });
  const facade = await startRunningFacade(`version: 1
${accessLog}
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
  const logged = () => facade.log.filter(({ msg }) => msg.startsWith('request'));
  return { origin, facade, logged };
}

/** A trace whose random part begins this far along. */
const traced = (share: number) =>
  `traceparent: 00-${'1'.repeat(24)}${Math.floor(share * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}-00f067aa0ba902b7-01`;

test('all requests are logged where nothing is said', async () => {
  const { facade, logged } = await startWith('');
  await ask(facade.port, get('/secret?token=1'));
  expect(logged()).toMatchObject([{ path: '/secret', route: 'all', backend: 'origin', status: 200 }]);
});

test('of a sample the traces that are in it, and always the failed and the slow', async () => {
  const { facade, logged, origin } = await startWith('accessLog: { sample: 10%, slow: 100ms }');
  const client = await RawClient.connect(facade.port);
  for (const share of [0, 0.05, 0.0999, 0.1001, 0.5, 0.99]) {
    await client.send(get(`/${share}`, traced(share))).answer();
  }
  await client.send(get('/broken', traced(0.5))).answer();
  await client.send(get('/slow', traced(0.5))).answer();
  await client.send(get('/../x', traced(0.5))).answer();
  await origin.close();
  await ask(facade.port, get('/down', traced(0.5)));
  expect(logged().map(({ path }) => path)).toEqual(['/0', '/0.05', '/0.0999', '/broken', '/slow', '/down']);
  // What is not logged is counted all the same.
  expect((await facade.routes()).routes[0]?.backends.origin).toMatchObject({ requests: 9, errors: 2 });
});

test('an edit changes the sample', async () => {
  const { facade, logged, origin } = await startWith('accessLog: { sample: 0% }');
  await ask(facade.port, get('/before'));
  await facade.replaceRoutes(`version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: all, match: { path: /* }, to: origin }]
`);
  await facade.logged(({ msg }) => msg.includes('in force'));
  await ask(facade.port, get('/after'));
  expect(logged().map(({ path }) => path)).toEqual(['/after']);
});
