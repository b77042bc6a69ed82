import path from 'node:path';
import {
  ConfigurationError,
  databaseUrlFrom,
  hostFrom,
  identityKeysFrom,
  integerFrom,
  logLevelFrom,
  originFrom,
  portFrom,
} from '@ticketnow/service-kit/environment';
import { type IdentityKeys, OwnKeys } from '@ticketnow/service-kit/identity';
import { serve } from '@ticketnow/service-kit/serve';
import { buildBooking } from './app.ts';
import { isSchedule } from './jobs.ts';

const defaultDatabase = `sqlite:${path.resolve(import.meta.dirname, '../../.data/booking.db')}`;
const defaultKeys = path.resolve(import.meta.dirname, '../../.data/booking-keys.json');

await serve('booking', 'BOOKING_PORT', async () => {
  const env = process.env;
  const host = hostFrom(env);
  const port = portFrom(env, 'BOOKING_PORT', 4103);
  const options = {
    databaseUrl: databaseUrlFrom(env, 'BOOKING_DATABASE_URL', defaultDatabase),
    identity: identityFrom(env),
    inventoryUrl: originFrom(env, 'INVENTORY_URL', 'http://127.0.0.1:4101'),
    expirySchedule: scheduleFrom(env),
    saga: {
      holdSeconds: integerFrom(env, 'BOOKING_HOLD_SECONDS', { fallback: 30, min: 1, max: 600 }),
      recoverAfterMs: integerFrom(env, 'BOOKING_RECOVER_AFTER_MS', {
        fallback: 10_000,
        min: 100,
        max: 600_000,
      }),
    },
    inventory: {
      attemptTimeoutMs: integerFrom(env, 'INVENTORY_TIMEOUT_MS', { fallback: 1000, min: 50, max: 60_000 }),
    },
    logLevel: logLevelFrom(env),
  };
  return { app: await buildBooking(options), host, port };
});

/** Calls to inventory are signed with keys of booking's own, in IDENTITY_KEYS_FILE. */
function identityFrom(env: NodeJS.ProcessEnv): IdentityKeys {
  const keys = identityKeysFrom(env, { facade: 'IDENTITY_JWKS_URL' });
  if ('secret' in keys) return keys;
  return { ...keys, own: new OwnKeys(env.IDENTITY_KEYS_FILE || defaultKeys) };
}

function scheduleFrom(env: NodeJS.ProcessEnv): string {
  const schedule = env.BOOKING_EXPIRY_SCHEDULE || '0 3 * * *';
  if (isSchedule(schedule)) return schedule;
  throw new ConfigurationError(
    `BOOKING_EXPIRY_SCHEDULE is "${schedule}".`,
    "Set it to a cron expression such as '0 3 * * *'.",
  );
}
