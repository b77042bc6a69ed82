import { describe, vi } from 'vitest';

vi.mock('../../tests/running-facade.ts', () => import('./in-place-of-running-facade.ts'));

// The cases of the facade's own tests, with an application in the facade's place.
for (const cases of ['transparency', 'streaming', 'failures', 'forwarded-headers', 'websocket', 'identity']) {
  describe(cases, async () => {
    await import(`../../tests/${cases}.test.ts`);
  });
}
