import { execFile } from 'node:child_process';
import { access, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { editRoutes } from '@strangler-fig/facade/routes/edit';
import { parseRoutes } from '@strangler-fig/facade/routes/load';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type System, startSystem } from '../start/system.ts';
import { routeWhen } from '../walkthrough/facade-admin.ts';
import { ownSettings } from '../walkthrough/own-settings.ts';
import { readDocument } from './document.ts';

// What README.md and the playbook tell a reader to type is typed here, against a running system, and must show what
// they say it shows.

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..');
const documents = await Promise.all(
  [
    'README.md',
    'CONTRIBUTING.md',
    'docs/migration-playbook.md',
    'docs/decisions.md',
    'docs/routes-yaml.md',
    'docs/metrics.md',
    'docs/performance.md',
    'docs/security.md',
  ].map((file) => readDocument(path.join(root, file))),
);

let folder: string;
let system: System;
let search: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'documents-'));
  await copyFile(path.join(root, 'routes.yaml'), path.join(folder, 'routes.yaml'));
  system = await startSystem({
    dataDir: path.join(folder, 'data'),
    routesFile: path.join(folder, 'routes.yaml'),
    seedScale: 0.02,
    env: { ...process.env, ...ownSettings },
    onLine: () => {},
  });
  const hasCurl = await run('curl', ['--version']).then(
    () => true,
    () => false,
  );
  search = hasCurl ? process.env.PATH : `${path.join(root, 'testing', 'bin')}:${process.env.PATH}`;
}, 90_000);
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(documents.map((document) => ({ ...document, name: path.relative(root, document.file) })))(
  '$name',
  ({ steps, routes, links }) => {
    test.each(steps.map((step) => ({ step, title: titleOf(step) })))('$title', async ({ step }) => {
      if (step.kind === 'edit') await edit(step.edit);
      else {
        const { stdout } = await run('sh', ['-c', here(step.command)], {
          cwd: root,
          env: { ...process.env, PATH: search },
          timeout: 25_000,
        });
        expect(stdout).toContain(step.shows ?? '');
      }
    });

    test('its routes files are valid', () => {
      for (const text of routes) parseRoutes(text, 'routes.yaml', {});
    });

    test.each([...new Set(links)].map((link) => path.relative(root, link)))('links to %s', async (link) => {
      await access(path.join(root, link));
    });
  },
);

function titleOf(step: (typeof documents)[number]['steps'][number]): string {
  const what = step.kind === 'edit' ? `${step.edit.route} ${step.edit.key} ${step.edit.value}` : step.command;
  return `line ${step.line}: ${what}`;
}

/** Edits the system's routes.yaml as the reader is told to, and waits until it is in force. */
async function edit(change: Parameters<typeof editRoutes>[1][number]): Promise<void> {
  const file = path.join(folder, 'routes.yaml');
  await writeFile(file, editRoutes(await readFile(file, 'utf8'), [change]));
  await routeWhen(system, change.route, (route) =>
    change.key === 'to'
      ? Object.keys(route.to).join() === change.value
      : (route.compare?.with ?? undefined) === change.value,
  );
}

/** The documents name the default ports; the system under test has others. */
function here(command: string): string {
  const places: Record<string, string> = {
    8080: system.url('facade'),
    8081: system.adminUrl,
    8082: system.url('sync-jobs'),
    4000: system.url('monolith'),
    4101: system.url('inventory'),
    4102: system.url('profile'),
    4103: system.url('booking'),
  };
  return command.replace(/http:\/\/127\.0\.0\.1:(\d{4})/g, (whole, port: string) => places[port] ?? whole);
}
