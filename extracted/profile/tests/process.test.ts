import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { secret } from './running-service.ts';

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'profile-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function start(environment: Record<string, string>): { child: ChildProcess; stderr: () => string } {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../server.js')], {
    env: {
      IDENTITY_SECRET: secret,
      PROFILE_DATABASE_URL: `sqlite:${path.join(folder, 'profile.db')}`,
      PROFILE_PORT: '0',
      LOG_LEVEL: 'silent',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.push(child);
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, stderr: () => text };
}

test('says when it is ready, answers, and ends with 0 on SIGTERM', async () => {
  const { child } = start({});
  const [ready] = (await once(child, 'message')) as [{ type: string; port: number }];
  expect(ready.type).toBe('ready');
  expect((await fetch(`http://127.0.0.1:${ready.port}/readyz`)).status).toBe(200);
  child.kill('SIGTERM');
  expect((await once(child, 'exit'))[0]).toBe(0);
});

test('a port in use is one line that names port and variable', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { child, stderr } = start({ PROFILE_PORT: String(port) });
  expect((await once(child, 'close'))[0]).toBe(1);
  expect(stderr()).toBe(
    `profile cannot listen on 127.0.0.1:${port}: the port is in use. Set PROFILE_PORT to another port (0 for any free one).\n`,
  );
  other.close();
});

test('a wrong setting is one line and exit code 2', async () => {
  const { child, stderr } = start({ IDENTITY_SECRET: 'short' });
  expect((await once(child, 'close'))[0]).toBe(2);
  expect(stderr()).toMatch(/^profile: IDENTITY_SECRET is too short\. [^\n]*\n$/);
});
