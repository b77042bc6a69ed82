import { expect, test } from 'vitest';
import { startOrigin } from './origins.ts';
import { ask, get, RawClient } from './raw-client.ts';
import { startFacadeBefore } from './running-facade.ts';

// What is done with `Expect` before anything is forwarded is up to the server: here the facade's own.

test('Expect: 100-continue is not met for a request that is refused', async () => {
  const origin = await startOrigin((_, response) => response.end());
  const { port } = await startFacadeBefore(origin.port);
  const client = await RawClient.connect(port);
  client.send('POST /../x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  expect((await client.answer()).status).toBe(400);
  expect(await client.closed()).toBe('end');
});

test('another expectation is refused', async () => {
  const origin = await startOrigin((_, response) => response.end());
  const { port } = await startFacadeBefore(origin.port);
  const answer = await ask(port, get('/', 'Expect: miracles'));
  expect(answer.status).toBe(417);
  expect(JSON.parse(answer.body).code).toBe('expectation_unknown');
});
