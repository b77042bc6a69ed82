import { expect, onTestFinished, test } from 'vitest';
import { KeptBytes } from '../compare/kept-bytes.ts';
import { Shadow } from '../compare/shadow.ts';
import { json, startPair } from './compared-pair.ts';
import { ask, get } from './raw-client.ts';

test('under load comparisons are shed before anything else is', async () => {
  const results: string[] = [];
  let busy = true;
  const shadow = new Shadow([{ record: (_, { result }) => results.push(result) }], {
    overloaded: () => busy,
    onDefect: () => {},
  });
  onTestFinished(() => shadow.close());
  const compare = { with: 'other', sample: 1, bodies: 1024, writesSafe: false };
  const where = { path: '/', origins: [], host: '' };
  const compared = { route: 'read', compare, method: 'GET', path: '/', traceId: '', backend: 'first', where };
  expect(shadow.begin(compared)).toBeUndefined();
  expect(results).toEqual(['shed']);
  busy = false;
  shadow.begin(compared)?.cancel();
  expect(results).toEqual(['shed']);
});

test('what comparisons keep is bounded together, and given back', async () => {
  const kept = new KeptBytes();
  const bodies = Array.from({ length: 40 }, () => kept.body(1024 * 1024));
  for (const body of bodies) body.add(Buffer.alloc(1024 * 1024));
  expect(kept.total).toBe(32 * 1024 * 1024);
  expect(bodies.filter(({ state }) => state === 'no_room')).toHaveLength(8);
  for (const body of bodies) body.drop();
  expect(kept.total).toBe(0);

  const { facade, counts } = await startPair(json('x'.repeat(100_000)), json('x'.repeat(100_000)));
  await Promise.all(Array.from({ length: 20 }, () => ask(facade.port, get('/read/x'))));
  expect(await counts()).toMatchObject({ equal: 20 });
  expect(await facade.metrics()).toContain('strangler_comparisons_kept_bytes 0');
  expect(await facade.metrics()).toContain('strangler_comparisons_total{route="read",result="equal"} 20');
});
