import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createDatabase } from '../../testing/postgres.ts';
import { createSqliteFile, type TestStore } from './ticketnow.ts';

interface Run {
  child: ChildProcess;
  /** The port it said it is ready on; rejects when it ends before. */
  ready: Promise<number>;
  /** How it ended, and what it wrote to stderr and stdout. */
  ended: Promise<{ code: number | null; stderr: string; stdout: string }>;
}

let store: TestStore;
const children: ChildProcess[] = [];
beforeEach(async () => {
  store = await createSqliteFile();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await store.drop();
});

function start(env: Record<string, string> = {}): Run {
  const child = fork(path.join(import.meta.dirname, '../server.js'), {
    silent: true,
    env: {
      PATH: process.env.PATH,
      MONOLITH_PORT: '0',
      LEGACY_DATABASE_URL: store.url,
      UPLOADS_DIR: `${store.url.slice('sqlite:'.length)}-uploads`,
      ...env,
    },
  });
  children.push(child);
  const output = Promise.all([text(child.stdout!), text(child.stderr!)]);
  const ended = once(child, 'exit').then(async ([code]) => {
    const [stdout, stderr] = await output;
    return { code, stderr, stdout };
  });
  const ready = Promise.race([
    once(child, 'message').then(([message]) => {
      expect(message).toEqual({ type: 'ready', port: expect.any(Number) });
      return message.port as number;
    }),
    ended.then(({ code, stderr }) => {
      throw new Error(`ended with ${code} before it was ready: ${stderr}`);
    }),
  ]);
  ready.catch(() => undefined);
  return { child, ready, ended };
}

test.each(['SIGTERM', 'SIGINT'] as const)('seeds, serves, and on %s ends with 0', async (signal) => {
  const { child, ready, ended } = start({ SEED_SCALE: '0.02' });
  const port = await ready;
  const answer = await fetch(`http://127.0.0.1:${port}/api/events/1?secret=1`, {
    headers: { cookie: 'a=b' },
  });
  expect(answer.status).toBe(200);
  const listener = new WebSocket(`ws://127.0.0.1:${port}/live/stock`);
  await once(listener, 'message');
  const goodbye = once(listener, 'close');
  child.kill(signal);
  expect((await goodbye)[0]).toBe(1001);
  const { code, stderr, stdout } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toBe(`legacy-monolith listening on http://127.0.0.1:${port}`);
  expect(lines[1]).toMatch(/^GET \/api\/events\/1 200 \d+\.\d ms$/);
});

test('an offer to upgrade to something else is a plain request', async () => {
  const port = await start().ready;
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK/);
});

test('runs on PostgreSQL', async () => {
  const postgres = await createDatabase();
  const { child, ready, ended } = start({ SEED_SCALE: '0.02', LEGACY_DATABASE_URL: postgres.url });
  const answer = await fetch(`http://127.0.0.1:${await ready}/api/inventory/1`);
  expect(await answer.json()).toMatchObject({ sku: 'EVT-000001', status: 'on_sale' });
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
  await postgres.drop();
});

test('answers what is under way before it ends', async () => {
  const { child, ready, ended } = start({ SEED_SCALE: '0.02' });
  const port = await ready;
  const login = fetch(`http://127.0.0.1:${port}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'user2@example.test', password: 'ticketnow' }),
  });
  // The login's hash takes a while; once another answer is there, the login has been received.
  await fetch(`http://127.0.0.1:${port}/health`);
  child.kill('SIGTERM');
  expect((await login).status).toBe(200);
  expect((await ended).code).toBe(0);
});

test('ends when whoever started it is gone', async () => {
  const { child, ready, ended } = start();
  await ready;
  child.disconnect();
  expect((await ended).code).toBe(0);
});

test('keeps its sessions over a restart with the same secret', async () => {
  const first = start({ SEED_SCALE: '0.02', SESSION_SECRET: 'keep' });
  const login = await fetch(`http://127.0.0.1:${await first.ready}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'user2@example.test', password: 'ticketnow' }),
  });
  const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!;
  first.child.kill('SIGTERM');
  await first.ended;
  const second = start({ SEED_SCALE: '0.02', SESSION_SECRET: 'keep' });
  const me = await fetch(`http://127.0.0.1:${await second.ready}/api/me`, { headers: { cookie } });
  expect(me.status).toBe(200);
});

test('says in one line that its port is in use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { ended } = start({ MONOLITH_PORT: String(port) });
  expect(await ended).toEqual({
    code: 1,
    stderr: `legacy-monolith cannot listen on 127.0.0.1:${port}: the port is in use. Set MONOLITH_PORT to another port (0 for any free one).\n`,
    stdout: '',
  });
  other.close();
});

test.each([
  [{ MONOLITH_PORT: '70000' }, 2, 'MONOLITH_PORT is not a port: 70000'],
  [{ SEED_SCALE: '-1' }, 2, 'SEED_SCALE is not a scale: -1'],
  [{ NIGHTLY_SCHEDULE: 'at night' }, 2, 'NIGHTLY_SCHEDULE is not a cron expression: at night'],
  [{ LEGACY_DATABASE_URL: 'mysql://x' }, 2, 'the database URL is neither'],
  [{ LEGACY_DATABASE_URL: 'postgres://127.0.0.1:1/x' }, 1, 'cannot open its database: connect ECONNREFUSED'],
])('says in one line what is wrong with %j', async (env, code, message) => {
  const result = await start(env).ended;
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toContain(message);
  expect(result.stderr.match(/\n/g)).toHaveLength(1);
});
