import { expect, test } from 'vitest';
import { FollowedKeys } from '../followed-keys.ts';
import { type IssuerKey, issuerKey } from './issuer.ts';

/** Keys that a test publishes and takes away; every fetch waits until it is let go, where the test holds it. */
function publisher(...keys: IssuerKey[]) {
  const state = {
    keys: keys as readonly IssuerKey[] | undefined,
    fetches: 0,
    held: undefined as Promise<void> | undefined,
    failures: [] as Error[],
  };
  const follow = (times: { maxAge: number; coolDown: number }) =>
    new FollowedKeys(
      async () => {
        state.fetches++;
        await state.held;
        if (state.keys === undefined) throw new Error('away');
        return JSON.stringify({ keys: state.keys.map(({ publicJwk }) => publicJwk) });
      },
      { ...times, onFailure: (error) => state.failures.push(error) },
    );
  return Object.assign(state, { follow });
}

const hour = 3_600_000;
const find = (followed: FollowedKeys, { alg, kid }: IssuerKey) =>
  followed.find({ alg, kid }, { payload: '', signature: '' });

test('many who need them first share one fetch', async () => {
  const one = await issuerKey('one', 'EdDSA');
  const state = publisher(one);
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  state.held = promise;
  const followed = state.follow({ maxAge: hour, coolDown: hour });
  const found = Promise.all(Array.from({ length: 20 }, () => find(followed, one)));
  letGo();
  expect(new Set(await found).size).toBe(1);
  expect(state.fetches).toBe(1);
});

test('a key that is not among them is looked for once more, after the cool-down', async () => {
  const [one, two] = [await issuerKey('one', 'EdDSA'), await issuerKey('two', 'EdDSA')];
  const state = publisher(one);
  const eager = state.follow({ maxAge: hour, coolDown: 0 });
  await find(eager, one);
  state.keys = [one, two];
  expect(await find(eager, two)).toBeDefined();
  expect(state.fetches).toBe(2);

  const patient = state.follow({ maxAge: hour, coolDown: hour });
  await find(patient, one);
  state.keys = [one, two, await issuerKey('three', 'EdDSA')];
  await expect(find(patient, { ...one, kid: 'three' })).rejects.toMatchObject({
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  });
  expect(state.fetches).toBe(3);
});

test('keys that are old are fetched again, and one that was withdrawn counts no more', async () => {
  const [one, two] = [await issuerKey('one', 'EdDSA'), await issuerKey('two', 'EdDSA')];
  const state = publisher(one);
  const followed = state.follow({ maxAge: -1, coolDown: 0 });
  await find(followed, one);
  state.keys = [two];
  await expect(find(followed, one)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
});

test('while they cannot be fetched the old ones do, nobody waits, and a new one is neither known nor refused', async () => {
  const one = await issuerKey('one', 'EdDSA');
  const state = publisher(one);
  const followed = state.follow({ maxAge: -1, coolDown: 0 });
  await find(followed, one);
  state.keys = undefined;
  expect(await find(followed, one)).toBeDefined();
  expect(state.failures).toHaveLength(1);
  // This fetch never ends.
  state.held = new Promise(() => {});
  expect(await find(followed, one)).toBeDefined();
});

test('a new key while they cannot be fetched: nobody can tell', async () => {
  const one = await issuerKey('one', 'EdDSA');
  const state = publisher(one);
  const followed = state.follow({ maxAge: hour, coolDown: 0 });
  await find(followed, one);
  state.keys = undefined;
  await expect(find(followed, { ...one, kid: 'new' })).rejects.toMatchObject({ code: 'keys_unavailable' });
});

test('without any, who asks right after a failure is told so without another fetch', async () => {
  const state = publisher();
  state.keys = undefined;
  const followed = state.follow({ maxAge: hour, coolDown: hour });
  const one = await issuerKey('one', 'EdDSA');
  for (let asked = 0; asked < 3; asked++) {
    await expect(find(followed, one)).rejects.toMatchObject({ code: 'keys_unavailable' });
  }
  expect(state.fetches).toBe(1);
});
