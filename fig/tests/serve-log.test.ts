import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { runFig } from './fig-process.ts';

test('the log of fig serve is JSON lines where nobody looks on, and its help says so', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fig-serve-'));
  const routes = path.join(folder, 'routes.yaml');
  await writeFile(
    routes,
    'version: 1\nbackends: { m: { url: "http://127.0.0.1:9" } }\nroutes: [{ name: x, match: { path: /* }, to: m }]\n',
  );
  const fig = path.join(import.meta.dirname, '..', 'fig.js');
  const child = spawn(process.execPath, [fig, 'serve', '--routes', routes, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(async () => {
    child.kill();
    await rm(folder, { recursive: true, force: true });
  });
  // What it says for people goes where the log does not.
  const said = await nextLine(child.stderr);
  const [, port] = /^facade on http:\/\/127\.0\.0\.1:(\d+), admin on /.exec(said) ?? [];
  const line = nextLine(child.stdout);
  await fetch(`http://127.0.0.1:${port}/`);
  expect(JSON.parse(await line)).toMatchObject({ level: 40, path: '/', msg: 'request failed' });

  const { stdout } = await runFig(['serve', '--help']);
  expect(stdout).toContain('readable lines on a terminal, one JSON object a line');
});

function nextLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => createInterface(stream).once('line', (line) => resolve(line)));
}
