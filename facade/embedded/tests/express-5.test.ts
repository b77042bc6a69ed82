import type { NextFunction, Request, Response } from 'express';
import { describe, expect, test, vi } from 'vitest';
import { startApplication } from './running-application.ts';

vi.mock('express', () => import('express-5'));

// The cases of the embedded mode, which run on Express 4 by themselves, on Express 5, and what only that has.

const routes = `version: 1
backends:
  monolith: { url: http://127.0.0.1:9 }
routes:
  - { name: own, match: { path: /own/* }, to: monolith }
`;

test('this is Express 5, and a promise that its handlers break gets to its error handlers', async () => {
  const app = await startApplication(routes, {
    build(express, strangled) {
      expect(express).not.toHaveProperty('del');
      express.use(strangled);
      express.get('/own/*path', async () => {
        throw new Error('own fault');
      });
      express.use((error: Error, _: Request, response: Response, _next: NextFunction) => {
        response.status(500).send(error.message);
      });
    },
  });
  const answer = await fetch(`${app.url}/own/x`);
  expect([answer.status, await answer.text()]).toEqual([500, 'own fault']);
});

for (const cases of ['conformance', 'mounting', 'fallback', 'living']) {
  describe(cases, async () => {
    await import(`./${cases}.test.ts`);
  });
}
