import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../testing/free-port.ts';
import { startFig } from './fig-process.ts';

// Verdaccio is an Express application that this project had no hand in: a package registry with uploads, tokens,
// absolute URLs built from Host, tarballs, and web pages. npm is its client.

const run = promisify(execFile);
let folder: string;
let verdaccio: ChildProcess;
let facade: Awaited<ReturnType<typeof startFig>>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'verdaccio-'));
  const port = await freePort();
  verdaccio = await startVerdaccio(port);
  const routes = path.join(folder, 'routes.yaml');
  await writeFile(
    routes,
    `version: 1
servedBy: true
backends:
  verdaccio: { url: http://127.0.0.1:${port}, health: /-/ping }
routes:
  - { name: packages, match: { path: /* }, to: verdaccio }
`,
  );
  facade = await startFig(['serve', '--routes', routes, '--port', '0', '--json']);
}, 60_000);

afterAll(async () => {
  await facade?.stop();
  if (verdaccio?.exitCode === null) {
    verdaccio.kill();
    await new Promise((resolve) => verdaccio.once('exit', resolve));
  }
  await rm(folder, { recursive: true, force: true });
});

test('a package is published and installed by npm through the facade', async () => {
  const url = facade.ready.url;
  const token = await signUp(url);
  const authority = new URL(url).host;
  const npmrc = path.join(folder, 'npmrc');
  await writeFile(npmrc, `registry=${url}/\n//${authority}/:_authToken=${token}\n`);

  const source = path.join(folder, 'package');
  await mkdir(source);
  const code = `module.exports = ${JSON.stringify('ünïcode 🎟 '.repeat(20_000))};\n`;
  await writeFile(path.join(source, 'index.js'), code);
  await writeFile(
    path.join(source, 'package.json'),
    JSON.stringify({ name: '@tickets/through-the-facade', version: '1.2.3', main: 'index.js' }),
  );
  await npm(source, npmrc, 'publish', '--access', 'public');

  const metadata = await fetch(`${url}/@tickets%2fthrough-the-facade`);
  expect(metadata.headers.get('x-served-by')).toBe('verdaccio');
  const versions = ((await metadata.json()) as { versions: Record<string, { dist: { tarball: string } }> })
    .versions;
  // The application builds this URL from Host: it must lead through the facade, not around it.
  expect(new URL(versions['1.2.3']?.dist.tarball ?? '').host).toBe(authority);

  const consumer = path.join(folder, 'consumer');
  await mkdir(consumer);
  await writeFile(path.join(consumer, 'package.json'), '{"name":"consumer","version":"1.0.0"}');
  await npm(consumer, npmrc, 'install', '@tickets/through-the-facade@1.2.3');
  const installed = path.join(consumer, 'node_modules/@tickets/through-the-facade/index.js');
  expect(await readFile(installed, 'utf8')).toBe(code);
}, 60_000);

test('its web page, its 404 and its refusal of a bad token pass untouched', async () => {
  const url = facade.ready.url;
  const page = await fetch(`${url}/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  const missing = await fetch(`${url}/no-such-package`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toHaveProperty('error');
  const refused = await fetch(`${url}/-/npm/v1/user`, { headers: { authorization: 'Bearer wrong' } });
  expect(refused.status).toBe(401);
});

/** Verdaccio as a process of its own: it says by IPC when it listens. */
async function startVerdaccio(port: number): Promise<ChildProcess> {
  const config = path.join(folder, 'config.yaml');
  await writeFile(
    config,
    `storage: ${folder}/storage
auth: { htpasswd: { file: ${folder}/htpasswd } }
packages: { '**': { access: $all, publish: $authenticated } }
middlewares: { audit: { enabled: false } }
log: { type: stdout, format: json, level: warn }
`,
  );
  const bin = path.join(import.meta.dirname, '../../node_modules/verdaccio/bin/verdaccio');
  const child = fork(bin, ['--config', config, '--listen', `http://127.0.0.1:${port}`], { silent: true });
  let output = '';
  child.stdout?.on('data', (data) => {
    output += String(data);
  });
  child.stderr?.on('data', (data) => {
    output += String(data);
  });
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message) => {
      if ((message as { verdaccio_started?: boolean }).verdaccio_started) resolve();
    });
    child.once('exit', () => reject(new Error(`verdaccio did not start:\n${output}`)));
  });
  return child;
}

async function signUp(url: string): Promise<string> {
  const answer = await fetch(`${url}/-/user/org.couchdb.user:fig`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'fig', password: 'strangler-fig' }),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { token: string }).token;
}

async function npm(cwd: string, npmrc: string, ...args: string[]): Promise<void> {
  const offline = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-online', '--userconfig', npmrc];
  await run('npm', [...args, ...offline, '--cache', path.join(folder, 'cache')], { cwd, timeout: 50_000 });
}
