import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rotateKeys } from '@strangler-fig/facade/identify/rotate-keys';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownSettings } from '../../walkthrough/own-settings.ts';
import { type System, startSystem } from '../system.ts';

const root = path.join(import.meta.dirname, '..', '..');
let folder: string;
let system: System;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'identity-keys-'));
  const routesFile = path.join(folder, 'routes.yaml');
  await copyFile(path.join(root, 'routes.yaml'), routesFile);
  // Reads and writes at the services: booking then calls inventory with an identity of its own.
  const text = await readFile(routesFile, 'utf8');
  await writeFile(
    routesFile,
    text
      .replace(/(name: profile-read[\s\S]*?to: )monolith/, '$1profile')
      .replace(/(name: booking-write[\s\S]*?to: )monolith/, '$1booking')
      .replace(/(name: inventory-read[\s\S]*?to: )monolith/, '$1inventory'),
  );
  system = await startSystem({
    dataDir: path.join(folder, 'data'),
    routesFile,
    seedScale: 0.02,
    env: { ...process.env, ...ownSettings, LOG_LEVEL: 'warn' },
    onLine() {},
  });
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

const fileOf = (name: string) => path.join(folder, 'data', name);

async function published(origin: string): Promise<(string | undefined)[]> {
  const answer = await fetch(`${origin}/.well-known/jwks.json`);
  return ((await answer.json()) as { keys: { kid?: string }[] }).keys.map(({ kid }) => kid);
}

async function login(): Promise<string> {
  const answer = await fetch(`${system.url('facade')}/login`, {
    method: 'POST',
    body: new URLSearchParams({ email: 'user2@example.test', password: 'ticketnow' }),
    redirect: 'manual',
  });
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
}

test('nobody shares a secret: the facade and booking each have keys, readable by their owner only', async () => {
  for (const name of ['identity-keys.json', 'booking-keys.json']) {
    expect((await stat(fileOf(name))).mode & 0o777).toBe(0o600);
  }
  expect(await readFile(fileOf('secrets.json'), 'utf8')).not.toContain('IDENTITY');
  const [facade, booking] = [await published(system.adminUrl), await published(system.url('booking'))];
  expect(facade).toHaveLength(1);
  expect(booking).toHaveLength(1);
  expect(facade).not.toEqual(booking);
});

test('both are rotated under load, and not one request is refused', async () => {
  const cookie = await login();
  const statuses = new Map<string, number>();
  let stopped = false;
  const ask = async (what: string, request: () => Promise<Response>) => {
    while (!stopped) {
      const answer = await request();
      const key = `${what} ${answer.status} by ${answer.headers.get('x-served-by')}`;
      statuses.set(key, (statuses.get(key) ?? 0) + 1);
      await answer.arrayBuffer();
    }
  };
  const facade = system.url('facade');
  const load = Promise.all([
    ask('profile', () => fetch(`${facade}/api/profile/2`, { headers: { cookie } })),
    ask('inventory', () => fetch(`${facade}/api/inventory/1`)),
    ask('booking', () =>
      fetch(`${facade}/api/bookings`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json' },
        body: JSON.stringify({ event_id: 1, num_tickets: 1 }),
      }),
    ),
  ]);

  const turn = { lead: 4_000, overlap: 6_000 };
  const rotate = async (origin: string, name: string) => {
    const [old, next] = rotateKeys(fileOf(name), turn).map(({ kid }) => kid);
    await expect.poll(() => published(origin), { timeout: 30_000 }).toEqual([old, next]);
    await expect.poll(() => published(origin), { timeout: 30_000 }).toEqual([next]);
  };
  await Promise.all([
    rotate(system.adminUrl, 'identity-keys.json'),
    rotate(system.url('booking'), 'booking-keys.json'),
  ]);
  stopped = true;
  await load;
  const seen = [...statuses.keys()];
  // Tickets may be sold out in the end, which is an answer too.
  expect(seen.filter((key) => / (?:401|403|5\d\d) /.test(key) || !/ by (?!monolith)/.test(key))).toEqual([]);
  expect(seen).toEqual(
    expect.arrayContaining([
      'profile 200 by profile',
      'inventory 200 by inventory',
      expect.stringMatching(/^booking 20[01] by booking$/),
    ]),
  );
}, 90_000);
