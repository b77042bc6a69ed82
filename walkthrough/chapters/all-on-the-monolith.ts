import type { Stage } from '../story.ts';

export async function chapterAllOnTheMonolith({ customer, narrator }: Stage): Promise<void> {
  narrator.chapter('All on the monolith, behind the facade');
  narrator.say(
    'Clients talk to the facade now. Every route in routes.yaml goes to the monolith, which is unchanged.',
  );
  const rows = [['request', 'status', 'served by']];
  for (const path of ['/', '/api/events/1', '/api/inventory/1', '/api/profile/2', '/api/bookings']) {
    const reply = await customer.get(path);
    rows.push([`GET ${path}`, String(reply.status), reply.servedBy]);
    if (reply.servedBy !== 'monolith') narrator.check(false, `${path} is served by the monolith`);
  }
  narrator.table(rows);
  narrator.check(true, 'a logged-in customer sees the application as ever, with x-served-by: monolith');
}
