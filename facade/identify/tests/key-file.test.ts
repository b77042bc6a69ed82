import { chmod, chown, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { openKeyFile, readKeyFile, type SigningKey } from '../key-file.ts';
import { KeyRing, publishedKeys, signingKey } from '../key-ring.ts';
import { rotateKeys } from '../rotate-keys.ts';

const minute = 60_000;
const kids = (keys: readonly SigningKey[]) => keys.map(({ kid }) => kid);

describe('a file of keys', () => {
  test('is made where there is none, for its owner only, also in a folder that is not there', async () => {
    const file = path.join(await temporaryFolder(), 'new', 'keys.json');
    const [made] = openKeyFile(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(kids(openKeyFile(file))).toEqual([made?.kid]);
    expect(await readdir(path.dirname(file))).toEqual(['keys.json']);
  });

  test('says nothing private of itself when it cannot be used', async () => {
    const file = path.join(await temporaryFolder(), 'keys.json');
    openKeyFile(file);
    const { d, ...rest } = JSON.parse(await readFile(file, 'utf8')).keys[0];
    const other = { ...rest, d, x: `A${rest.x.slice(1)}`, kid: 'other' };
    for (const bad of [
      '',
      `{"keys":[{"d":"${d}"`,
      JSON.stringify({ keys: [] }),
      JSON.stringify({ keys: [rest] }),
      JSON.stringify({ keys: [{ ...rest, d, kty: 'RSA' }] }),
      JSON.stringify({
        keys: [
          { ...rest, d },
          { ...rest, d },
        ],
      }),
      JSON.stringify({ keys: [other] }),
      JSON.stringify({ keys: [{ ...rest, d, signsFrom: 'soon' }] }),
    ]) {
      await writeFile(file, bad);
      let failure: unknown;
      try {
        openKeyFile(file);
      } catch (error) {
        failure = error;
      }
      expect(failure).toMatchObject({ code: 'identity_keys_unusable', exitCode: 2 });
      expect(String(failure)).not.toContain(d.slice(0, 10));
    }
  });

  test('is never made by a rotation, and is whole at every moment', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'keys.json');
    expect(() => rotateKeys(file)).toThrow(/ENOENT/);
    openKeyFile(file);
    await chmod(file, 0o644);
    rotateKeys(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['keys.json']);
  });
});

describe('a rotation', () => {
  test.runIf(process.getuid?.() === 0)('by root leaves the file to its owner', async () => {
    const file = path.join(await temporaryFolder(), 'keys.json');
    openKeyFile(file);
    await chown(file, 1234, 1234);
    rotateKeys(file);
    expect(await stat(file)).toMatchObject({ uid: 1234, gid: 1234 });
  });

  async function rotated() {
    const file = path.join(await temporaryFolder(), 'keys.json');
    const [old] = openKeyFile(file) as [SigningKey];
    rotateKeys(file);
    const keys = readKeyFile(file);
    return { file, old, keys, next: keys[1] as SigningKey };
  }

  test('publishes the new key first, signs with it later, and withdraws the old one last', async () => {
    const { old, keys, next } = await rotated();
    const at = (milliseconds: number) => ({
      signing: signingKey(keys, next.signsFrom + milliseconds).kid,
      published: kids(publishedKeys(keys, next.signsFrom + milliseconds)),
    });
    const both = [old.kid, next.kid];
    expect(next.signsFrom - Date.now()).toBeGreaterThan(4 * minute);
    expect(at(-4 * minute)).toEqual({ signing: old.kid, published: both });
    expect(at(-1)).toEqual({ signing: old.kid, published: both });
    expect(at(0)).toEqual({ signing: next.kid, published: both });
    // An identity lasts a minute, and is used for ten seconds after it was signed.
    expect(at(1.5 * minute)).toEqual({ signing: next.kid, published: both });
    expect(at(2 * minute)).toEqual({ signing: next.kid, published: [next.kid] });
  });

  test('does not begin while another is under way, unless somebody knows the keys', async () => {
    const { file, old, next } = await rotated();
    expect(() => rotateKeys(file)).toThrow(next.kid);
    const [only, ...others] = rotateKeys(file, { compromised: true });
    expect(others).toEqual([]);
    expect([old.kid, next.kid]).not.toContain(only?.kid);
    expect(kids(readKeyFile(file))).toEqual([only?.kid]);
    expect(signingKey(readKeyFile(file), Date.now()).kid).toBe(only?.kid);
  });

  test('takes those out of the file that have had their time', async () => {
    const file = path.join(await temporaryFolder(), 'keys.json');
    const [old] = openKeyFile(file) as [SigningKey];
    const second = rotateKeys(file, { lead: 0, overlap: 0 }).at(-1)?.kid;
    const now = kids(rotateKeys(file, { lead: minute }));
    expect(now).not.toContain(old.kid);
    expect(now[0]).toBe(second);
    expect(now).toHaveLength(2);
  });

  test('is followed by whoever has the file; a bad edit leaves the last good keys', async () => {
    const file = path.join(await temporaryFolder(), 'keys.json');
    const failures: Error[] = [];
    const rings = [1, 2].map(() => new KeyRing(file, (error) => failures.push(error)));
    const published = () => rings.map((ring) => ring.published().keys.map(({ kid }) => kid));
    const [first] = published();
    expect(published()).toEqual([first, first]);
    const both = kids(rotateKeys(file));
    await expect.poll(published, { timeout: 30_000 }).toEqual([both, both]);
    expect(JSON.stringify(rings[0]?.published())).not.toContain('"d"');
    await writeFile(file, 'half-writ');
    await expect.poll(() => failures.length, { timeout: 30_000 }).toBe(2);
    expect(published()).toEqual([both, both]);
    for (const ring of rings) ring.close();
  });
});
