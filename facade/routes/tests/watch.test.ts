import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RouteTable } from '../model.ts';
import type { RoutesInvalid } from '../problem.ts';
import { type RouteWatch, watchRoutes } from '../watch.ts';

let folder: string;
let file: string;
let watched: RouteWatch | undefined;
let seen: EventEmitter<{ table: [RouteTable]; invalid: [RoutesInvalid] }>;
let counts: { table: number; invalid: number };

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'watch-'));
  file = path.join(folder, 'routes.yaml');
  seen = new EventEmitter();
  counts = { table: 0, invalid: 0 };
});

afterEach(async () => {
  await watched?.close();
  watched = undefined;
  await rm(folder, { recursive: true, force: true });
});

const text = (name: string) => `version: 1
backends: { monolith: { url: "http://127.0.0.1:4000" } }
routes:
  - { name: ${name}, match: { path: "/*" }, to: monolith }
`;

/** Follows the file; without events where `poll` is short and `debounce` so long that no event counts. */
async function follow(options: { debounce?: number; poll?: number } = {}): Promise<RouteWatch> {
  watched = await watchRoutes(file, {
    poll: 60_000,
    ...options,
    onTable(table) {
      counts.table++;
      seen.emit('table', table);
    },
    onInvalid(problem) {
      counts.invalid++;
      seen.emit('invalid', problem);
    },
  });
  return watched;
}

/** The name of the route in force after an edit. */
async function nameAfter(edit: () => Promise<unknown>): Promise<string | undefined> {
  const [[table]] = await Promise.all([once(seen, 'table'), edit()]);
  expect(watched?.current()).toBe(table);
  return table.routes[0].name;
}

/** The first problem after an edit; the table in force stays. */
async function problemAfter(edit: () => Promise<unknown>): Promise<string> {
  const before = watched?.current();
  const [[problem]] = await Promise.all([once(seen, 'invalid'), edit()]);
  expect(watched?.current()).toBe(before);
  return problem.problems[0].code;
}

async function replace(content: string, target = file): Promise<void> {
  await writeFile(`${target}.new`, content);
  await rename(`${target}.new`, target);
}

test('the first load fails where the file is bad', async () => {
  await expect(follow()).rejects.toThrow(/file_not_found/);
  await writeFile(file, 'version: 1');
  await expect(follow()).rejects.toThrow(/missing_key/);
});

test('an edit in place, an edit by replacement, and one after that', async () => {
  await writeFile(file, text('one'));
  const { current } = await follow();
  const first = current();
  expect(first.routes[0]?.name).toBe('one');
  expect(await nameAfter(() => writeFile(file, text('two')))).toBe('two');
  expect(await nameAfter(() => replace(text('three')))).toBe('three');
  expect(await nameAfter(() => replace(text('four')))).toBe('four');
  expect(await nameAfter(() => writeFile(file, text('five')))).toBe('five');
  expect(first.routes[0]?.name).toBe('one');
});

test('a file written in pieces counts when it is whole', async () => {
  await writeFile(file, text('one'));
  await follow({ debounce: 200 });
  const whole = text('two');
  const name = await nameAfter(async () => {
    await writeFile(file, whole.slice(0, 30));
    await writeFile(file, whole.slice(0, 60));
    await writeFile(file, whole);
  });
  expect(name).toBe('two');
  expect(counts).toEqual({ table: 1, invalid: 0 });
});

test('bad contents keep the last good table, and are told once each', async () => {
  await writeFile(file, text('one'));
  await follow({ poll: 20 });
  expect(await problemAfter(() => writeFile(file, text('one').slice(0, 60)))).toBe('yaml_syntax');
  expect(await problemAfter(() => writeFile(file, ''))).toBe('file_empty');
  expect(await problemAfter(() => writeFile(file, text('one').replace('to: monolith', 'to: other')))).toBe(
    'unknown_backend',
  );
  expect(await problemAfter(() => writeFile(file, `#${'x'.repeat(1024 * 1024)}`))).toBe('file_too_large');
  expect(await problemAfter(() => unlink(file))).toBe('file_not_found');
  expect(await problemAfter(() => mkdir(file))).toBe('file_unreadable');
  await rm(file, { recursive: true });
  expect(await nameAfter(() => writeFile(file, text('two')))).toBe('two');
  // Nothing was told twice, although the poll looked again and again; the folder's removal may be seen or not.
  expect(counts.invalid).toBeGreaterThanOrEqual(6);
  expect(counts.invalid).toBeLessThanOrEqual(7);
  expect(counts.table).toBe(1);
});

test('the good content again is told, so that the complaint can be withdrawn', async () => {
  await writeFile(file, text('one'));
  const { current } = await follow();
  const first = current();
  await problemAfter(() => replace('version: 2'));
  expect(await nameAfter(() => replace(text('one')))).toBe('one');
  expect(current()).toBe(first);
});

test('touching the file is no edit', async () => {
  await writeFile(file, text('one'));
  const { current } = await follow();
  const first = current();
  await utimes(file, new Date(), new Date());
  await replace(await readFile(file, 'utf8'));
  expect(await nameAfter(() => writeFile(file, text('two')))).toBe('two');
  expect(counts.table).toBe(1);
  expect(first.routes[0]?.name).toBe('one');
});

test('a ConfigMap: the file is a link through ..data, which is swapped', async () => {
  const version = async (name: string) => {
    await mkdir(path.join(folder, `..${name}`));
    await writeFile(path.join(folder, `..${name}`, 'routes.yaml'), text(name));
    await symlink(`..${name}`, path.join(folder, '..data_tmp'));
    await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  };
  await version('one');
  await symlink(path.join('..data', 'routes.yaml'), file);
  await follow();
  expect(await nameAfter(() => version('two'))).toBe('two');
  await rm(path.join(folder, '..one'), { recursive: true });
  expect(await nameAfter(() => version('three'))).toBe('three');
});

test('a link to a file elsewhere: edits there count', async () => {
  const target = path.join(folder, 'elsewhere', 'shared.yaml');
  await mkdir(path.dirname(target));
  await writeFile(target, text('one'));
  await symlink(target, file);
  await follow();
  expect(await nameAfter(() => writeFile(target, text('two')))).toBe('two');
  expect(await nameAfter(() => replace(text('three'), target))).toBe('three');
});

test('a mount without events is looked at now and then', async () => {
  await writeFile(file, text('one'));
  await follow({ debounce: 3_600_000, poll: 20 });
  expect(await nameAfter(() => writeFile(file, text('two')))).toBe('two');
});

test('a folder that is removed and made again is followed again', async () => {
  file = path.join(folder, 'config', 'routes.yaml');
  await mkdir(path.dirname(file));
  await writeFile(file, text('one'));
  await follow({ poll: 20 });
  expect(await problemAfter(() => rm(path.dirname(file), { recursive: true }))).toBe('file_not_found');
  const made = async () => {
    await mkdir(path.dirname(file));
    await replace(text('two'));
  };
  expect(await nameAfter(made)).toBe('two');
});

test('after closing nothing is told', async () => {
  await writeFile(file, text('one'));
  const { close } = await follow();
  await writeFile(file, text('two'));
  await close();
  expect(counts).toEqual({ table: 0, invalid: 0 });
});
