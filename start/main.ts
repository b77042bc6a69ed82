import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import { runMain } from '@strangler-fig/kernel/shutdown';
import { logLine } from './log-lines.ts';
import { noteRunning, noteStopped, refuseSecond } from './running.ts';
import { startSystem } from './system.ts';
import { welcome } from './welcome.ts';

/** About 10 events, 400 users and 2,000 bookings: a newcomer waits seconds. */
const newcomersScale = 0.02;

await runMain(async () => {
  const { env } = process;
  const root = path.join(import.meta.dirname, '..');
  const colour = process.stdout.isTTY === true && !('NO_COLOR' in env);
  const dataDir = path.resolve(env.DATA_DIR ?? path.join(root, '.data'));
  let quiet = true;

  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => asked.abort());

  await refuseSecond(dataDir);
  console.log('Starting monolith, inventory, profile, booking, sync-jobs and facade …');
  const system = await startSystem({
    dataDir,
    routesFile: path.resolve(env.ROUTES_FILE ?? path.join(root, 'routes.yaml')),
    seedScale: seedScale(env.SEED_SCALE),
    env,
    onLine: (name, line) => {
      // While starting, a process that cannot start speaks through the error below; the rest is noise.
      if (!quiet) console.log(logLine(name, line, colour));
    },
    signal: asked.signal,
  }).catch((error: unknown) => {
    if (!asked.signal.aborted) throw error;
    console.log('Stopped while starting.');
    process.exit(0);
  });
  quiet = false;
  await noteRunning(dataDir, system);
  console.log(welcome(system, colour));

  const stopAsked = aborted(asked.signal).then(() => 'stop' as const);
  const ended = await Promise.race([system.failed, stopAsked]);
  if (ended !== 'stop') {
    const how = ended.signal === null ? `with exit code ${ended.code}` : `by ${ended.signal}`;
    console.error(`${ended.name} ended unexpectedly ${how}. Stopping everything else.`);
  } else {
    console.log('\nStopping …');
  }
  await system.stop();
  await noteStopped(dataDir);
  console.log('Everything is stopped.');
  process.exit(ended === 'stop' ? 0 : 1);
});

function seedScale(value: string | undefined): number {
  if (value === undefined || value === '') return newcomersScale;
  const scale = Number(value);
  if (Number.isFinite(scale) && scale >= 0) return scale;
  throw new Failure('seed_scale_invalid', `SEED_SCALE is "${value}", which is not a number of 0 or more.`, {
    hint: 'Give 1 for about 500 events, 20,000 users and 100,000 bookings.',
    exitCode: 2,
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
