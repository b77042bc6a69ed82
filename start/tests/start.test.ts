import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownSettings } from '../../walkthrough/own-settings.ts';
import type { Running } from '../running.ts';

const root = path.join(import.meta.dirname, '..', '..');
let folder: string;
let launcher: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'start-'));
  await copyFile(path.join(root, 'routes.yaml'), path.join(folder, 'routes.yaml'));
});
afterEach(async () => {
  if (launcher?.exitCode === null && launcher.signalCode === null) {
    launcher.kill('SIGTERM');
    await new Promise((resolve) => launcher?.once('close', resolve));
  }
  await rm(folder, { recursive: true, force: true });
});

/** `npm start`'s own command, on free ports and data of its own. */
function start(env: Record<string, string> = {}) {
  const inherited = Object.fromEntries(
    Object.entries({ ...process.env, ...ownSettings }).filter(([, value]) => value),
  );
  const child = spawn(process.execPath, ['start/start.js'], {
    cwd: root,
    env: {
      ...inherited,
      DATA_DIR: path.join(folder, 'data'),
      ROUTES_FILE: path.join(folder, 'routes.yaml'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  launcher = child;
  const lines: string[] = [];
  const said = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (lines.join('').includes(text)) resolve();
      };
      child.stdout.on('data', look);
      child.once('close', () => resolve());
      look();
    });
  child.stdout.on('data', (data) => lines.push(String(data)));
  const errors: string[] = [];
  child.stderr.on('data', (data) => errors.push(String(data)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, said, ended, output: () => lines.join(''), errors: () => errors.join('') };
}

async function running(): Promise<Running> {
  return JSON.parse(await readFile(path.join(folder, 'data', 'running.json'), 'utf8')) as Running;
}

/** Every process that ran is gone: signal 0 finds none of them. */
function expectAllGone({ processes }: Running): void {
  for (const { pid } of Object.values(processes)) expect(() => process.kill(pid as number, 0)).toThrow();
}

test('everything starts, follows an edit of routes.yaml, and Ctrl-C leaves nothing behind', async () => {
  const system = start();
  await system.said('Ctrl-C stops everything');
  expect(system.errors()).toBe('');
  const now = await running();
  expect(Object.keys(now.processes).sort()).toEqual(
    ['booking', 'facade', 'inventory', 'monolith', 'profile', 'sync-jobs'].sort(),
  );
  for (const { url } of Object.values(now.processes)) expect(system.output()).toContain(url);

  const item = `${now.processes.facade?.url}/api/inventory/1`;
  expect((await fetch(item)).headers.get('x-served-by')).toBe('monolith');
  const routes = path.join(folder, 'routes.yaml');
  const text = await readFile(routes, 'utf8');
  await writeFile(routes, text.replace(/(name: inventory-read[\s\S]*?to: )monolith/, '$1inventory'));
  await expect.poll(async () => (await fetch(item)).headers.get('x-served-by')).toBe('inventory');
  await writeFile(routes, text);
  await expect.poll(async () => (await fetch(item)).headers.get('x-served-by')).toBe('monolith');
  await system.said('monolith  | GET /api/inventory/1 200');

  system.child.kill('SIGINT');
  expect(await system.ended).toBe(0);
  expect(system.output()).toContain('Everything is stopped.');
  expectAllGone(now);
}, 60_000);

test('a second system on the same data is refused, and the first goes on', async () => {
  const system = start();
  await system.said('Ctrl-C stops everything');
  const now = await running();
  const second = start();
  expect(await second.ended).toBe(1);
  expect(second.errors()).toMatch(/^A system is running on \S+ already \(process \d+, .*DATA_DIR.*\n$/);
  expect(await running()).toEqual(now);
  expect((await fetch(`${now.processes.facade?.url}/health`)).status).toBe(200);
  system.child.kill('SIGINT');
  expect(await system.ended).toBe(0);
}, 60_000);

test('when one process dies, that is said and everything stops with exit code 1', async () => {
  const system = start();
  await system.said('Ctrl-C stops everything');
  const now = await running();
  process.kill(now.processes.booking?.pid as number, 'SIGKILL');
  expect(await system.ended).toBe(1);
  expect(system.errors()).toBe('booking ended unexpectedly by SIGKILL. Stopping everything else.\n');
  expectAllGone(now);
}, 60_000);

test('when the launcher is killed, the others end by themselves', async () => {
  const system = start();
  await system.said('Ctrl-C stops everything');
  const now = await running();
  system.child.kill('SIGKILL');
  await system.ended;
  await expect.poll(() => Object.values(now.processes).filter(alive).length, { timeout: 15_000 }).toBe(0);
}, 60_000);

test('a port in use is one line that names the port and the variable', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => occupant.once('listening', resolve));
  const { port } = occupant.address() as { port: number };
  try {
    const system = start({ PROFILE_PORT: String(port) });
    expect(await system.ended).toBe(1);
    expect(system.errors()).toMatch(
      new RegExp(`^[^\\n]*127\\.0\\.0\\.1:${port}[^\\n]*in use[^\\n]*PROFILE_PORT[^\\n]*\\n$`),
    );
  } finally {
    occupant.close();
  }
}, 60_000);

test('an interrupted start stops what it had started', async () => {
  const system = start();
  await system.said('Starting');
  system.child.kill('SIGINT');
  expect(await system.ended).toBe(0);
}, 60_000);

function alive({ pid }: { pid: number | undefined }): boolean {
  try {
    process.kill(pid as number, 0);
    return true;
  } catch {
    return false;
  }
}
