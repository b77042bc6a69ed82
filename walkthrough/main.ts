import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runMain } from '@strangler-fig/kernel/shutdown';
import { startSystem } from '../start/system.ts';
import { Narrator } from './narrator.ts';
import { ownSettings } from './own-settings.ts';
import { RoutesFile } from './routes-file.ts';
import { tellStory } from './story.ts';

await runMain(async () => {
  const narrator = new Narrator(process.stdout);
  const folder = await mkdtemp(path.join(tmpdir(), 'walkthrough-'));
  const routes = await RoutesFile.copy(path.join(import.meta.dirname, '..', 'routes.yaml'), folder);
  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => asked.abort());

  const output: string[] = [];
  narrator.say('Starting TicketNow on ports and data of its own; nothing that runs already is touched …');
  const system = await startSystem({
    dataDir: path.join(folder, 'data'),
    routesFile: routes.file,
    seedScale: 0.02,
    env: { ...process.env, ...ownSettings, LOG_LEVEL: 'warn' },
    onLine: (name, line) => output.push(`${name} | ${line}`),
    signal: asked.signal,
  });
  asked.signal.addEventListener('abort', () => void system.stop().then(() => process.exit(1)));
  void system.failed.then((exit) => narrator.warn(`${exit.name} ended: ${exit.code ?? exit.signal}`));
  try {
    await tellStory({ system, routes, narrator });
    narrator.finish();
  } catch (error) {
    for (const line of output.slice(-20)) console.error(line);
    throw error;
  } finally {
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
