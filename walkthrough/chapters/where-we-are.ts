import type { RoutesReport } from '@strangler-fig/facade/admin/routes-report';
import type { Stage } from '../story.ts';

export async function chapterWhereWeAre({ system, narrator, customer }: Stage): Promise<void> {
  narrator.chapter('Where the migration stands');
  const report = (await (await fetch(`${system.adminUrl}/api/routes`)).json()) as RoutesReport;
  narrator.table([
    ['route', 'match', 'goes to', 'requests so far'],
    ...report.routes.map(({ name, match, to, backends }) => [
      name,
      match,
      Object.keys(to).join(', '),
      Object.entries(backends)
        .map(([backend, { requests }]) => `${backend} ${requests}`)
        .join(', '),
    ]),
  ]);
  const page = await customer.get('/');
  narrator.check(page.servedBy === 'monolith', 'everything else is still the monolith’s, untouched');
}
