import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { editRoutes } from '@strangler-fig/facade/routes/edit';
import { type System, startSystem } from '../../start/system.ts';
import { ownSettings } from '../../walkthrough/own-settings.ts';

/** The monolith on one side; on the other the facade, with every extracted endpoint cut over. */
export interface TwoSides {
  readonly monolith: string;
  readonly facade: string;
  stop(): Promise<void>;
}

const root = path.join(import.meta.dirname, '..', '..');

/** Starts the whole system over identical data: seeded, copied once, and then not copied any more. */
export async function startTwoSides(): Promise<TwoSides> {
  const folder = await mkdtemp(path.join(tmpdir(), 'side-by-side-'));
  const routesFile = path.join(folder, 'routes.yaml');
  await writeFile(routesFile, cutOver(await readFile(path.join(root, 'routes.yaml'), 'utf8')));
  const output: string[] = [];
  let system: System;
  try {
    system = await startSystem({
      dataDir: path.join(folder, 'data'),
      routesFile,
      seedScale: 0.02,
      env: { ...process.env, ...ownSettings, SYNC_FOLLOW: 'no', LOG_LEVEL: 'warn' },
      onLine: (name, line) => output.push(`${name} | ${line}`),
    });
  } catch (error) {
    throw new Error(`the system did not start:\n${output.join('\n')}`, { cause: error });
  }
  return {
    monolith: system.url('monolith'),
    facade: system.url('facade'),
    async stop() {
      await system.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Sends every route of a group to the service of that name. */
function cutOver(text: string): string {
  const services = ['inventory', 'profile', 'booking'];
  const routes = [...text.matchAll(/name: ((\w+)-[\w-]+)/g)]
    .map(([, route = '', group = '']) => ({ route, group }))
    .filter(({ group }) => services.includes(group));
  return editRoutes(
    text,
    routes.map(({ route, group }) => ({ route, key: 'to', value: group })),
  );
}
