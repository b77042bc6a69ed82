import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { editRoutes } from '@strangler-fig/facade/routes/edit';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Child } from '../../start/child.ts';
import { freePort } from '../../testing/free-port.ts';
import { type ComposeService, composeServices, root } from './compose-file.ts';

// Without a Docker engine, the commands and environments of docker-compose.yml run as plain processes on a real
// PostgreSQL. Only what a container network gives is replaced: host names, ports, mounted paths, HOST.

const run = promisify(execFile);
const stores = ['legacy', 'inventory', 'profile', 'booking'];
const settings = Object.fromEntries(
  [
    'POSTGRES_PASSWORD',
    'LEGACY_DB_PASSWORD',
    'INVENTORY_DB_PASSWORD',
    'PROFILE_DB_PASSWORD',
    'BOOKING_DB_PASSWORD',
    'SESSION_SECRET',
    'FIG_TOKEN',
  ].map((name) => [name, randomBytes(24).toString('hex')]),
);

const children: Child[] = [];
const output: string[] = [];
let folder: string;
let services: Map<string, ComposeService>;
let ports: Record<string, number>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'compose-'));
  await copyFile(path.join(root, 'routes.yaml'), path.join(folder, 'routes.yaml'));
  services = await composeServices(settings);
  ports = {};
  for (const port of ['4000', '4101', '4102', '4103', '8080', '8081', '8082']) ports[port] = await freePort();
}, 60_000);

afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await onServer(async (admin) => {
    for (const store of stores) await admin.query(`DROP DATABASE IF EXISTS ${store} WITH (FORCE)`);
    for (const store of stores) await admin.query(`DROP ROLE IF EXISTS ${store}`);
  });
  await rm(folder, { recursive: true, force: true });
});

test('databases and roles are made, as often as asked', async () => {
  for (let time = 0; time < 2; time++) {
    const { stdout } = await run(process.execPath, argumentsOf('databases'), {
      cwd: root,
      env: environmentOf('databases'),
    });
    expect(stdout.match(/is ready/g)).toHaveLength(4);
  }
  const stranger = new pg.Client({
    connectionString: environmentOf('monolith').LEGACY_DATABASE_URL?.replace(/\/legacy$/, '/booking'),
  });
  await expect(stranger.connect()).rejects.toThrow(/permission denied/);
});

test('every process starts, in the order of depends_on, and its health check passes', async () => {
  const started = new Set(['postgres', 'databases']);
  const waiting = [...services.keys()].filter((name) => !started.has(name));
  while (waiting.length > 0) {
    const next = waiting.findIndex((name) =>
      Object.keys(services.get(name)?.dependsOn ?? {}).every((dependency) => started.has(dependency)),
    );
    const [name = ''] = waiting.splice(next, 1);
    const child = new Child({
      name,
      script: path.join(root, argumentsOf(name).at(-1) ?? ''),
      env: environmentOf(name),
      onLine: (from, line) => output.push(`${from} | ${line}`),
    });
    children.push(child);
    await child.ready().catch((error: unknown) => {
      throw new Error(`${name} did not start:\n${output.join('\n')}`, { cause: error });
    });
    const [, ...check] = services.get(name)?.healthcheck ?? [];
    await run(process.execPath, check.map(here), { cwd: root });
    started.add(name);
  }
}, 90_000);

test('a health check fails where nothing answers', async () => {
  const gone = `http://127.0.0.1:${await freePort()}/health`;
  await expect(run(process.execPath, ['deploy/healthy.js', gone], { cwd: root })).rejects.toThrow();
});

test('the facade serves the monolith, and after an edit the service, on PostgreSQL', async () => {
  const url = `http://127.0.0.1:${ports['8080']}/api/inventory/1`;
  const before = await fetch(url);
  expect(before.headers.get('x-served-by')).toBe('monolith');
  const routes = path.join(folder, 'routes.yaml');
  const text = await readFile(routes, 'utf8');
  // In place, because a mounted file cannot be replaced.
  await writeFile(routes, editRoutes(text, [{ route: 'inventory-read', key: 'to', value: 'inventory' }]));
  await expect
    .poll(async () => (await fetch(url)).headers.get('x-served-by'), { timeout: 10_000 })
    .toBe('inventory');
  expect(await (await fetch(url)).json()).toEqual(await before.json());
});

function argumentsOf(name: string): string[] {
  const [node, ...rest] = services.get(name)?.command ?? [];
  expect(node).toBe('node');
  return rest;
}

function environmentOf(name: string): Record<string, string> {
  const given = Object.entries(services.get(name)?.environment ?? {}).map(([key, value]) => [
    key,
    here(value),
  ]);
  return { ...Object.fromEntries(given), HOST: '127.0.0.1', LOG_LEVEL: 'warn' };
}

/** What a name or path inside the compose network is on this machine. */
function here(value: string): string {
  const server = new URL(inject('postgresUrl'));
  const port = /^\d{4}$/.test(value) ? ports[value] : undefined;
  if (port !== undefined) return String(port);
  return value
    .replace(`postgres:${settings.POSTGRES_PASSWORD}@`, `${server.username}:${server.password}@`)
    .replace('@postgres:5432/', `@${server.host}/`)
    .replace(/http:\/\/[\w.-]+:(\d{4})/, (_, one: string) => `http://127.0.0.1:${ports[one]}`)
    .replace(/^\/config\//, `${folder}/`)
    .replace(/^\/keys\//, `${folder}/`)
    .replace(/^\/uploads$/, path.join(folder, 'uploads'));
}

async function onServer(work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: `${inject('postgresUrl')}/postgres` });
  await admin.connect();
  await work(admin).finally(() => admin.end());
}
