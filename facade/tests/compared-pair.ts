import type { RequestListener } from 'node:http';
import type { ComparedRequest, Comparison } from '../compare/recorder.ts';
import { startOrigin } from './origins.ts';
import { startRunningFacade } from './running-facade.ts';

/** An origin that answers everything with a value as JSON. */
export const json =
  (value: unknown, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };

/** A facade that answers from `first` and compares with `other`. */
export async function startPair(
  first: RequestListener,
  other: RequestListener,
  compare = 'other',
  more = '',
  to = 'first',
) {
  const pairs: { request: ComparedRequest; comparison: Comparison }[] = [];
  const primary = await startOrigin(first);
  const shadow = await startOrigin(other);
  const facade = await startRunningFacade(
    `version: 1
servedBy: true
backends:
  first: { url: http://127.0.0.1:${primary.port}, timeouts: { request: 2s } }
  other: { url: http://127.0.0.1:${shadow.port}, timeouts: { request: 300ms, idle: 300ms } }
routes:
  - { name: read, match: { path: /read/*, method: [GET, POST] }, writes: false, to: ${to}, compare: ${compare}${more} }
  - { name: rest, match: { path: /* }, to: first }
`,
    { recorder: { record: (request, comparison) => pairs.push({ request, comparison }) } },
  );
  const counts = async () => {
    await facade.comparisonsSettled();
    const { routes } = await facade.routes();
    const { equal, different, failed, skipped, shed, places, lastFailure } =
      routes.find(({ name }) => name === 'read')?.compare ?? {};
    return { equal, different, failed, skipped, shed, places, lastFailure };
  };
  return { primary, shadow, facade, counts, pairs };
}

/** What is counted before anything was compared. */
export const none = {
  equal: 0,
  different: 0,
  failed: 0,
  skipped: 0,
  shed: 0,
  places: {},
  lastFailure: undefined,
};
