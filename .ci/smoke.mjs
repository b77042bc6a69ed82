// Runs `npm start` on its default ports, as a newcomer does: waits until it is ready, sends requests through the
// facade, cuts a route over and back by editing routes.yaml, presses Ctrl-C, and looks at what is left.
// Plain JavaScript for Node 20: it runs before anything is installed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const facade = 'http://127.0.0.1:8080';
const routesFile = 'routes.yaml';
const original = readFileSync(routesFile, 'utf8');
const dataDir = mkdtempSync(path.join(tmpdir(), 'smoke-'));

// A process group of its own, so that Ctrl-C can be sent as a terminal sends it: to all of it.
const npm = spawn('npm', ['start'], {
  env: { ...process.env, DATA_DIR: dataDir },
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true,
});
let output = '';
npm.stdout.on('data', (data) => {
  output += data;
  process.stdout.write(data);
});
const ended = new Promise((resolve) => npm.once('close', (code, signal) => resolve(code ?? signal)));

try {
  await until('npm start is ready', () => output.includes('Ctrl-C stops everything'), 300);

  const page = await fetch(`${facade}/`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /TicketNow/);
  assert.equal(await servedBy(), 'monolith');

  writeFileSync(routesFile, original.replace(/(name: inventory-read[\s\S]*?to: )monolith/, '$1inventory'));
  await until('the edit takes effect', async () => (await servedBy()) === 'inventory', 10);
  writeFileSync(routesFile, original);
  await until('the edit is taken back', async () => (await servedBy()) === 'monolith', 10);

  const { processes } = JSON.parse(readFileSync(path.join(dataDir, 'running.json'), 'utf8'));
  process.kill(-npm.pid, 'SIGINT');
  assert.equal(await ended, 0, 'npm start ends with 0 on Ctrl-C');
  for (const [name, { pid }] of Object.entries(processes)) {
    assert.throws(() => process.kill(pid, 0), `${name} is gone`);
  }
  console.log('smoke: npm start works');
} finally {
  writeFileSync(routesFile, original);
  if (npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid, 'SIGTERM');
  await ended;
  rmSync(dataDir, { recursive: true, force: true });
}

async function servedBy() {
  const answer = await fetch(`${facade}/api/inventory/1`);
  assert.equal(answer.status, 200);
  await answer.arrayBuffer();
  return answer.headers.get('x-served-by');
}

async function until(what, condition, seconds) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `${what} within ${seconds} s`);
    assert.equal(npm.exitCode, null, `npm start still runs while waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
