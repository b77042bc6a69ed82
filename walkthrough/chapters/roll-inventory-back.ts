import type { Stage } from '../story.ts';
import { Traffic } from '../traffic.ts';

export async function chapterRollback({ routes, narrator, customer }: Stage): Promise<void> {
  narrator.chapter('Roll it back, by the same one word');
  const traffic = Traffic.start(customer, '/api/inventory/1');
  await traffic.until('inventory', 50);
  narrator.show('routes.yaml, route inventory-read: "to: inventory" becomes "to: monolith"');
  await routes.edit([{ route: 'inventory-read', key: 'to', value: 'monolith' }]);
  await traffic.until('monolith', 50);
  await traffic.stop();
  narrator.check(traffic.failures === 0, 'back on the monolith, not one request failed');
  narrator.say('A read owns no data, so nothing can be lost either way. Forward again, for good:');
  narrator.show('routes.yaml, route inventory-read: "to: inventory"');
  await routes.edit([{ route: 'inventory-read', key: 'to', value: 'inventory' }]);
}
