import path from 'node:path';
import {
  databaseUrlFrom,
  hostFrom,
  identityKeysFrom,
  logLevelFrom,
  portFrom,
} from '@ticketnow/service-kit/environment';
import { serve } from '@ticketnow/service-kit/serve';
import { buildInventory } from './app.ts';

const defaultDatabase = `sqlite:${path.resolve(import.meta.dirname, '../../.data/inventory.db')}`;

await serve('inventory', 'INVENTORY_PORT', async () => {
  const env = process.env;
  const host = hostFrom(env);
  const port = portFrom(env, 'INVENTORY_PORT', 4101);
  const options = {
    databaseUrl: databaseUrlFrom(env, 'INVENTORY_DATABASE_URL', defaultDatabase),
    identity: identityKeysFrom(env, { facade: 'IDENTITY_JWKS_URL', booking: 'BOOKING_JWKS_URL' }),
    logLevel: logLevelFrom(env),
  };
  return { app: await buildInventory(options), host, port };
});
