import { styleText } from 'node:util';
import type { System } from './system.ts';

/** What a newcomer sees when everything runs: where things are, and what to try next. */
export function welcome(system: System, colour: boolean): string {
  const bold = (text: string) => (colour ? styleText('bold', text) : text);
  const facade = system.url('facade');
  const rows = [
    ['facade', facade, 'the one door; open it in a browser'],
    ['facade admin', system.adminUrl, '/api/routes, /api/backends, /metrics'],
    ['monolith', system.url('monolith'), 'the legacy application, unchanged'],
    ['inventory', system.url('inventory'), 'extracted; /openapi.json'],
    ['profile', system.url('profile'), 'extracted; /openapi.json'],
    ['booking', system.url('booking'), 'extracted; /openapi.json'],
    ['sync-jobs', system.url('sync-jobs'), '/api/groups: how far each copy is'],
  ];
  return [
    '',
    bold('TicketNow is running. Every route goes to the monolith until you edit routes.yaml.'),
    '',
    ...rows.map(([name = '', url = '', what = '']) => `  ${name.padEnd(13)} ${url.padEnd(24)} ${what}`),
    '',
    bold('Try next'),
    `  curl -i ${facade}/api/inventory/1        # x-served-by: monolith`,
    '  in routes.yaml, route inventory-read: change "to: monolith" to "to: inventory", save, and repeat the curl',
    '  npm run fig -- explain GET /api/inventory/1',
    '  log in at /login as user2@example.test with the password ticketnow (admin@example.test for /admin)',
    '  npm run walkthrough                      # the whole story, on its own ports and data',
    '',
    'Ctrl-C stops everything. The data is kept in .data/ (delete the folder to begin again).',
    '',
  ].join('\n');
}
