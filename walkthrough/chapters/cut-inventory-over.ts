import type { Stage } from '../story.ts';
import { Traffic } from '../traffic.ts';

export async function chapterInventory({ routes, narrator, customer }: Stage): Promise<void> {
  narrator.chapter('Cut the stock display over, while requests keep coming');
  const traffic = Traffic.start(customer, '/api/inventory/1');
  await traffic.until('monolith', 200);
  narrator.show('routes.yaml, route inventory-read: "to: monolith" becomes "to: inventory"');
  const edited = performance.now();
  await routes.edit([{ route: 'inventory-read', key: 'to', value: 'inventory' }]);
  await traffic.until('inventory', 1);
  const milliseconds = Math.round(performance.now() - edited);
  await traffic.until('inventory', 200);
  await traffic.stop();
  narrator.table([
    [
      'answered by monolith',
      'answered by inventory',
      'failed',
      'from saving the file to the first new answer',
    ],
    [traffic.servedBy.monolith, traffic.servedBy.inventory, traffic.failures, `${milliseconds} ms`].map(
      String,
    ),
  ]);
  narrator.check(traffic.failures === 0, 'not one request failed, and nothing was restarted');
}
