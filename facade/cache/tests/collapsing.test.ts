import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startCached } from './cached-origin.ts';

const minute = { 'cache-control': 'max-age=60' };

test('requests for the same at the same time are one to the backend', async () => {
  const { origin, answers, facade } = await startCached({});
  const first = Promise.withResolvers<ServerResponse>();
  answers((_, response) => first.resolve(response));
  const leader = ask(facade.port, get('/a'));
  const response = await first.promise;
  const followers = Array.from({ length: 20 }, () => ask(facade.port, get('/a')));
  await expect.poll(async () => facade.metrics()).toContain('strangler_requests_in_flight 21');
  response.writeHead(200, minute).end('one');
  for (const answer of await Promise.all(followers)) {
    expect(answer.body).toBe('one');
    expect(answer.header('cache-status')).toBe('strangler; fwd=uri-miss; collapsed');
  }
  expect((await leader).header('cache-status')).toBe('strangler; fwd=uri-miss');
  expect(origin.asked).toHaveLength(1);
});

test('an answer that is for one client only goes to that one, and nobody waits for it again', async () => {
  const { origin, answers, facade } = await startCached({});
  const responses: ServerResponse[] = [];
  answers((_, response) => void responses.push(response));
  const leader = ask(facade.port, get('/a'));
  await expect.poll(() => responses.length).toBe(1);
  const followers = [ask(facade.port, get('/a')), ask(facade.port, get('/a'))];
  await expect.poll(async () => facade.metrics()).toContain('strangler_requests_in_flight 3');
  responses[0]?.writeHead(200, { 'cache-control': 'private' }).end('for the first');
  await expect.poll(() => responses.length).toBe(3);
  for (const response of responses.slice(1))
    response.writeHead(200, { 'cache-control': 'private' }).end('another');
  expect((await leader).body).toBe('for the first');
  for (const follower of followers) expect((await follower).body).toBe('another');
  const more = [ask(facade.port, get('/a')), ask(facade.port, get('/a'))];
  await expect.poll(() => responses.length).toBe(5);
  for (const response of responses.slice(3)) response.end('x');
  await Promise.all(more);
  expect(origin.asked).toHaveLength(5);
});

test('when the one whose answer is awaited leaves, another one asks', async () => {
  const { answers, facade } = await startCached({});
  const responses: ServerResponse[] = [];
  answers((_, response) => void responses.push(response));
  const leader = (await RawClient.connect(facade.port)).send(get('/a'));
  await expect.poll(() => responses.length).toBe(1);
  const follower = ask(facade.port, get('/a'));
  await expect.poll(async () => facade.metrics()).toContain('strangler_requests_in_flight 2');
  leader.socket.destroy();
  await expect.poll(() => responses.length).toBe(2);
  responses[1]?.writeHead(200, minute).end('second');
  expect((await follower).body).toBe('second');
});
