import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpOrigin, startOrigin } from '../../tests/origins.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';

/** How an origin answers from now on. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

export interface Setup {
  readonly origin: HttpOrigin;
  readonly facade: RunningFacade;
  answers(next: Answering): void;
}

/** Answers with a number that grows, and these headers. */
export function counting(headers: Record<string, string>): Answering {
  let count = 0;
  return (request, response) => {
    request.resume();
    response.writeHead(200, headers).end(`answer ${++count}`);
  };
}

/** A facade whose GETs are kept, before one origin. */
export async function startCached(
  headers: Record<string, string>,
  { cache = '{}', top = '', route = '' } = {},
): Promise<Setup> {
  let answering = counting(headers);
  const origin = await startOrigin((request, response) => answering(request, response));
  const facade = await startRunningFacade(`version: 1
${top}
backends:
  origin: { url: "http://127.0.0.1:${origin.port}", timeouts: { connect: 500ms, request: 5s }, breaker: false }
routes:
  - { name: reads, match: { path: /*, method: GET }, to: origin, cache: ${cache}${route} }
  - { name: writes, match: { path: /* }, to: origin }
`);
  return {
    origin,
    facade,
    answers(next) {
      answering = next;
    },
  };
}
