import { expect, test } from 'vitest';
import {
  ConfigurationError,
  databaseUrlFrom,
  identityKeysFrom,
  logLevelFrom,
  originFrom,
  portFrom,
} from '../environment.ts';

test('what is not set has its default', () => {
  expect(portFrom({}, 'P', 4101)).toBe(4101);
  expect(portFrom({ P: '0' }, 'P', 4101)).toBe(0);
  expect(databaseUrlFrom({}, 'D', 'sqlite:a.db')).toBe('sqlite:a.db');
  expect(originFrom({ U: 'http://inventory:4101/' }, 'U', '')).toBe('http://inventory:4101');
  expect(logLevelFrom({})).toBe('info');
});

test.each([
  () => portFrom({ P: '70000' }, 'P', 1),
  () => portFrom({ P: '80x' }, 'P', 1),
  () => portFrom({ P: '-1' }, 'P', 1),
  () => databaseUrlFrom({ P: 'mysql://root:password@db' }, 'P', ''),
  () => databaseUrlFrom({ P: 'sqlite:' }, 'P', ''),
  () => originFrom({ P: 'inventory:4101' }, 'P', ''),
  () => originFrom({ P: 'http://inventory/path' }, 'P', ''),
])('%s names the variable in one line, without a password', (read) => {
  expect(read).toThrow(ConfigurationError);
  expect(read).toThrow(/^P is .+ Set P to [^\n]+$/);
  expect(read).not.toThrow(/password/);
});

test('the secret has no default and at least 32 characters', () => {
  const issuers = { facade: 'IDENTITY_JWKS_URL', booking: 'BOOKING_JWKS_URL' };
  const keys = (env: Record<string, string>) => identityKeysFrom(env, issuers);
  const url = 'http://127.0.0.1:8081/.well-known/jwks.json';
  expect(() => keys({})).toThrow('IDENTITY_JWKS_URL is not set.');
  expect(() => keys({ IDENTITY_JWKS_URL: url })).toThrow('BOOKING_JWKS_URL is not set.');
  expect(() => keys({ IDENTITY_JWKS_URL: 'file:///keys' })).toThrow('not an http(s) URL');
  expect(keys({ IDENTITY_JWKS_URL: url, BOOKING_JWKS_URL: url })).toEqual({
    jwks: { facade: url, booking: url },
  });
  expect(() => keys({ IDENTITY_SECRET: 'x'.repeat(31) })).toThrow('too short');
  expect(keys({ IDENTITY_SECRET: 'x'.repeat(32) })).toEqual({ secret: 'x'.repeat(32) });
  expect(() => keys({ IDENTITY_SECRET: 'x'.repeat(32), BOOKING_JWKS_URL: url })).toThrow('both set');
  expect(() => logLevelFrom({ LOG_LEVEL: 'loud' })).toThrow('LOG_LEVEL');
});
