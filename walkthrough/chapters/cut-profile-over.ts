import { goesTo, routeWhen } from '../facade-admin.ts';
import type { Stage } from '../story.ts';

const group = ['profile-read', 'profile-write', 'profile-form'];

export async function chapterProfile({
  system,
  routes,
  narrator,
  customer,
  customerAtMonolith,
}: Stage): Promise<void> {
  narrator.chapter('Cut a group over that also writes: profile');
  narrator.say('Its routes share data, so they move together, in one edit:');
  narrator.show(`routes.yaml, routes ${group.join(', ')}: "to: profile"`);
  await routes.edit(group.map((route) => ({ route, key: 'to', value: 'profile' })));
  for (const route of group) await routeWhen(system, route, goesTo('profile'));

  const before = await customerAtMonolith.get('/api/profile/2');
  const city = before.json.city === 'Coimbra' ? 'Évora' : 'Coimbra';
  const written = await customer.send('PUT', '/api/profile/2', { city });
  const read = await customer.get('/api/profile/2');
  narrator.table([
    ['request', 'status', 'served by', 'city'],
    ['PUT /api/profile/2', String(written.status), written.servedBy, city],
    ['GET /api/profile/2', String(read.status), read.servedBy, String(read.json.city)],
  ]);
  narrator.check(
    written.servedBy === 'profile' && read.json.city === city,
    'the monolith’s session is good at the service: logged-in writes work',
  );
  const legacy = await customerAtMonolith.get('/api/profile/2');
  narrator.check(legacy.json.city !== city, `the legacy database still says ${String(legacy.json.city)}`);
  narrator.warn(
    'Nothing copies a service’s writes back to the legacy database yet. Rolling this group back now',
  );
  narrator.warn(
    'would show the old city again; the service keeps the new one. Roll writing groups back early, or not.',
  );
}
