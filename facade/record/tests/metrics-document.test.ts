import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startOrigin } from '../../tests/origins.ts';
import { ask, get } from '../../tests/raw-client.ts';
import { startFacadeBefore } from '../../tests/running-facade.ts';

// docs/metrics.md ends with every metric that a running facade shows. After a change:
// npx vitest run facade/record/tests/metrics-document.test.ts --update

const document = path.join(import.meta.dirname, '../../../docs/metrics.md');

async function shown(): Promise<string> {
  const origin = await startOrigin((_, response) => response.end('ok'));
  const facade = await startFacadeBefore(origin.port);
  await ask(facade.port, get('/users/4711/secret?token=hunter2'));
  return facade.metrics();
}

test('docs/metrics.md has every metric with its type and meaning', async () => {
  const metrics = await shown();
  const types = new Map(
    [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
  );
  const rows = [...metrics.matchAll(/^# HELP (\S+) (.+)$/gm)].map(
    ([, name = '', help = '']) =>
      `| \`${name}\` | ${types.get(name)} | ${help.replaceAll('|', '\\|').replaceAll('<', '&lt;')} |`,
  );
  expect(rows.length).toBe(types.size);
  const table = ['| metric | type | meaning |', '|---|---|---|', ...rows.sort()].join('\n');
  const [before, rest = ''] = readFileSync(document, 'utf8').split('<!-- every metric: begin -->');
  const [, after] = rest.split('<!-- every metric: end -->');
  await expect(
    `${before}<!-- every metric: begin -->\n${table}\n<!-- every metric: end -->${after}`,
  ).toMatchFileSnapshot(document);
});

const playbook = path.join(import.meta.dirname, '../../../docs/migration-playbook.md');

test.each([document, playbook])('every metric that %s asks for exists', async (file) => {
  const metrics = await shown();
  const asked = readFileSync(file, 'utf8').match(/\bstrangler_(?!id\b)[a-z_]+/g) ?? [];
  for (const name of asked)
    expect(metrics).toContain(`# TYPE ${name.replace(/_(?:bucket|sum|count)$/, '')} `);
});

test('no label carries a path, an id or a query', async () => {
  const metrics = await shown();
  expect(metrics).not.toMatch(/4711|secret|hunter2/);
  const labels = new Set([...metrics.matchAll(/([a-z]+)="/g)].map(([, name]) => name));
  for (const name of labels) {
    expect(['route', 'backend', 'status', 'kind', 'result', 'le', 'state', 'from', 'to', 'reason']).toContain(
      name,
    );
  }
});

test('those of the process are there and plausible', async () => {
  const metrics = await shown();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(20e6);
  expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(Math.abs(value('process_start_time_seconds') - Date.now() / 1000)).toBeLessThan(3600);
  expect(value('strangler_event_loop_lag_seconds')).toBeGreaterThanOrEqual(0);
  expect(value('strangler_route_table_age_seconds')).toBeLessThan(60);
  expect(value('strangler_requests_in_flight')).toBe(0);
});
