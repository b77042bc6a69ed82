import path from 'node:path';
import {
  databaseUrlFrom,
  hostFrom,
  identityKeysFrom,
  logLevelFrom,
  portFrom,
} from '@ticketnow/service-kit/environment';
import { serve } from '@ticketnow/service-kit/serve';
import { buildProfileService } from './app.ts';

const defaultDatabase = `sqlite:${path.resolve(import.meta.dirname, '../../.data/profile.db')}`;

await serve('profile', 'PROFILE_PORT', async () => {
  const settings = {
    host: hostFrom(process.env),
    port: portFrom(process.env, 'PROFILE_PORT', 4102),
    databaseUrl: databaseUrlFrom(process.env, 'PROFILE_DATABASE_URL', defaultDatabase),
    identity: identityKeysFrom(process.env, { facade: 'IDENTITY_JWKS_URL' }),
    logLevel: logLevelFrom(process.env),
  };
  return { app: await buildProfileService(settings), host: settings.host, port: settings.port };
});
