import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mintIdentity } from '@ticketnow/service-kit/identity';
import { openStore, type Store } from '@ticketnow/service-kit/store';
import { createDatabase } from '../../../testing/postgres.ts';
import { buildProfileService } from '../app.ts';
import type { Profile, ProfileSchema } from '../profiles.ts';

export const secret = 'a secret of the tests, thirty-two characters at least';

export type Dialect = 'sqlite' | 'postgres';

/** Who sends a request: nobody, a customer by id, or an admin. */
export type Sender = number | 'visitor' | 'admin';

/** The service on a real port and a real, fresh database. */
export interface RunningService {
  url: string;
  /** The database's URL. */
  databaseUrl: string;
  /** Sends a request that the facade vouches for. */
  send(sender: Sender, method: string, path: string, options?: RequestInit): Promise<Response>;
  /** The store, past the service. */
  store: Store<ProfileSchema>;
  stop(): Promise<void>;
}

export async function startService(dialect: Dialect): Promise<RunningService> {
  const database = dialect === 'sqlite' ? await sqliteDatabase() : await createDatabase();
  const app = await buildProfileService({ databaseUrl: database.url, identity: { secret } });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const store = openStore<ProfileSchema>(database.url);
  return {
    url,
    databaseUrl: database.url,
    store,
    async send(sender, method, at, options = {}) {
      const headers = new Headers(options.headers);
      headers.set('x-strangler-identity', await identityOf(sender));
      return fetch(`${url}${at}`, { ...options, method, headers, redirect: 'manual' });
    },
    async stop() {
      await app.close();
      await store.close();
      await database.drop();
    },
  };
}

export function json(body: unknown): RequestInit {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** A profile as the job that copies rows would leave it. */
export function copied(userId: number, different: Partial<Profile> = {}): Profile {
  return {
    user_id: userId,
    full_name: `User ${userId}`,
    phone: '+49 30 1234',
    city: 'Berlin',
    bio: null,
    newsletter: 1,
    updated_at: Date.UTC(2026, 10, 20, 10, 0, 0),
    written_by: 'sync',
    ...different,
  };
}

async function sqliteDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'profile-'));
  return {
    url: `sqlite:${path.join(folder, 'profile.db')}`,
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

function identityOf(sender: Sender): Promise<string> {
  const token = { secret, issuer: 'facade', audience: 'profile' };
  if (sender === 'visitor') return mintIdentity(token);
  if (sender === 'admin') return mintIdentity({ ...token, userId: 900, role: 'admin' });
  return mintIdentity({ ...token, userId: sender, role: 'customer' });
}
