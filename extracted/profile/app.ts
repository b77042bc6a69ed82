import { createGroupCommit } from '@ticketnow/service-kit/group-commit';
import type { IdentityKeys } from '@ticketnow/service-kit/identity';
import { migrate } from '@ticketnow/service-kit/migrations';
import { buildService, type Service } from '@ticketnow/service-kit/service';
import { openStore } from '@ticketnow/service-kit/store';
import { legacyRoutes } from './legacy-routes.ts';
import { profilesTable } from './migrations/0001-profiles.ts';
import { createProfiles, type ProfileSchema } from './profiles.ts';
import { v2Routes } from './v2-routes.ts';

/** What the service is built from. */
export interface ProfileOptions {
  /** `sqlite:<path>` or `postgres://…`. */
  databaseUrl: string;
  /** What the facade's identities are verified with. */
  identity: IdentityKeys;
  /** pino's level; 'silent' unless given. */
  logLevel?: string;
}

/** Builds the service and brings its store up to date, without listening. Closing it closes the store. */
export async function buildProfileService(options: ProfileOptions): Promise<Service> {
  const store = openStore<ProfileSchema>(options.databaseUrl);
  try {
    await migrate(store, { '0001-profiles': profilesTable(store.dialect) });
    const commits = createGroupCommit(store);
    const app = await buildService({
      name: 'profile',
      description: "TicketNow's profiles: what users tell about themselves, and may change.",
      identity: { keys: options.identity, audience: 'profile', issuers: ['facade'] },
      checks: { store: () => store.ping() },
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    });
    const profiles = createProfiles(store.db, commits);
    await app.register(async (legacy) => legacyRoutes(legacy, profiles));
    await app.register(async (v2) => v2Routes(v2, profiles));
    app.addHook('onClose', async () => {
      await commits.close();
      await store.close();
    });
    return app;
  } catch (error) {
    await store.close();
    throw error;
  }
}
