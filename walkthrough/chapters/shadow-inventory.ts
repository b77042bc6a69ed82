import path from 'node:path';
import { loadCorpus } from '@strangler-fig/diff-tests/corpus';
import { routeWhen } from '../facade-admin.ts';
import type { Stage } from '../story.ts';

const corpusFile = path.join(import.meta.dirname, '../../diff-tests/corpora/inventory.yaml');

export async function chapterShadow({ system, routes, narrator, customer }: Stage): Promise<void> {
  narrator.chapter('Shadow one endpoint and diff the answers');
  narrator.say(
    'sync-jobs has copied the stock into the inventory service. Does it answer like the monolith?',
  );
  narrator.show('routes.yaml, route inventory-read: add "compare: inventory"');
  await routes.edit([{ route: 'inventory-read', key: 'compare', value: 'inventory' }]);
  await routeWhen(system, 'inventory-read', (route) => route.compare?.with === 'inventory');

  narrator.say(
    'Every item many times, and the odd questions of a corpus: wrong ids, odd characters, encodings.',
  );
  const corpus = await loadCorpus(corpusFile);
  const odd = corpus.requests.filter(({ method }) => method === 'GET').map((request) => request.path);
  const ordinary = Array.from({ length: 200 }, (_, request) => `/api/inventory/${1 + (request % 12)}`);
  const paths = [...ordinary, ...odd];
  for (const one of paths) await customer.get(one);

  const { compare } = await routeWhen(system, 'inventory-read', (route) => {
    const { equal = 0, different = 0, failed = 0, shed = 0 } = route.compare ?? {};
    return equal + different + failed + shed >= paths.length;
  });
  const { equal = 0, different = 0, failed = 0, shed = 0, places = {} } = compare ?? {};
  narrator.table([
    ['asked', 'equal', 'different', 'failed', 'shed'],
    [paths.length, equal, different, failed, shed].map(String),
  ]);
  for (const [place, times] of Object.entries(places)) narrator.warn(`${place}: ${times} times`);
  narrator.check(
    equal === paths.length,
    'clients got the monolith’s answers, and the service gave the same ones',
  );

  narrator.show('routes.yaml, route inventory-read: take "compare" out again');
  await routes.edit([{ route: 'inventory-read', key: 'compare', value: undefined }]);
}
