import { describe, expect, test } from 'vitest';
import { json, startPair } from './compared-pair.ts';
import { startOrigin } from './origins.ts';
import { ask, get } from './raw-client.ts';
import { startRunningFacade } from './running-facade.ts';

describe('a recorder of one’s own', () => {
  test('gets both answers, what was asked, and the times', async () => {
    const before = Date.now();
    const { facade, pairs } = await startPair(json({ a: 1 }), json({ a: 2 }));
    await ask(
      facade.port,
      get('/read/x?q=1', 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'),
    );
    await facade.comparisonsSettled();
    expect(pairs).toEqual([
      {
        request: {
          route: 'read',
          method: 'GET',
          path: '/read/x?q=1',
          traceId: '0af7651916cd43dd8448eb211c80319c',
          body: Buffer.alloc(0),
        },
        comparison: {
          result: 'different',
          differences: [{ path: '$.a', kind: 'changed', left: 1, right: 2 }],
          first: side('first', '{"a":1}'),
          other: side('other', '{"a":2}'),
        },
      },
    ]);
    const { comparison } = pairs[0] ?? {};
    if (comparison?.result !== 'different') throw new Error('It is not different.');
    for (const { askedAt, milliseconds, answer } of [comparison.first, comparison.other]) {
      expect(askedAt.getTime()).toBeGreaterThanOrEqual(before);
      expect(milliseconds).toBeGreaterThan(0);
      // What the facade itself adds is no difference between backends.
      expect(answer.headers.join()).not.toContain('x-served-by');
    }
    expect(comparison.first.askedAt.getTime()).toBeLessThanOrEqual(comparison.other.askedAt.getTime());
  });

  test('that throws changes nothing', async () => {
    const origin = await startOrigin(json(1));
    const facade = await startRunningFacade(
      `version: 1
backends: { a: { url: "http://127.0.0.1:${origin.port}" }, b: { url: "http://127.0.0.1:${origin.port}" } }
routes: [{ name: all, match: { path: /*, method: GET }, to: a, compare: b }]
`,
      {
        recorder: {
          record: () => {
            throw new Error('full');
          },
        },
      },
    );
    expect((await ask(facade.port, get('/'))).status).toBe(200);
    await facade.comparisonsSettled();
    expect((await facade.routes()).routes[0]?.compare).toMatchObject({ equal: 1 });
    expect(await facade.logged(({ msg }) => msg.includes('defect'))).toBeDefined();
  });
});

function side(backend: string, body: string) {
  const answer = { status: 200, headers: expect.anything(), body: Buffer.from(body) };
  return { backend, askedAt: expect.any(Date), milliseconds: expect.any(Number), answer };
}
