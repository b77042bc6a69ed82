import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Child, type Exit } from './child.ts';
import { reservePort } from './reserve-port.ts';
import { type Secrets, secretsIn } from './secrets.ts';

export type ProcessName = 'monolith' | 'inventory' | 'profile' | 'booking' | 'sync-jobs' | 'facade';

export interface SystemOptions {
  /** Where the SQLite files, uploads and secrets are. */
  readonly dataDir: string;
  readonly routesFile: string;
  /** Size of the seed of an empty legacy database; 1 is about 100,000 bookings. */
  readonly seedScale: number;
  /** Ports, database URLs, HOST, log level and so on; each process gets only those that it knows. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Each line that a process prints. */
  readonly onLine: (name: string, line: string) => void;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** The monolith, the services, sync-jobs and the facade, each in a process of its own. */
export interface System {
  readonly children: ReadonlyMap<ProcessName, Child>;
  readonly secrets: Secrets;
  /** http://host:port of a process. */
  url(name: ProcessName): string;
  /** http://host:port of the facade's admin server. */
  readonly adminUrl: string;
  /** Resolves with the first process that ends before `stop` is called. */
  readonly failed: Promise<Exit>;
  /** Ends everything, the facade first so that requests in flight still find their backends. */
  stop(): Promise<void>;
}

const root = path.join(import.meta.dirname, '..');

/** What every process may see of the environment. */
const common = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'LANG',
  'HOST',
  'LOG_LEVEL',
  'NO_COLOR',
  'NODE_ENV',
  'NODE_OPTIONS',
];

/**
 * Starts the whole system and waits until every process is ready.
 * @throws Failure `child_failed` in the words of the process that did not start; nothing is left running then.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { env, dataDir } = options;
  await mkdir(dataDir, { recursive: true });
  const secrets = await secretsIn(dataDir, env);
  const host = env.HOST ?? '127.0.0.1';
  const children = new Map<ProcessName, Child>();
  let stopping = false;
  const failed = Promise.withResolvers<Exit>();

  const start = (name: ProcessName, script: string, own: Record<string, string | undefined>) => {
    options.signal?.throwIfAborted();
    const child = new Child({
      name,
      script: path.join(root, script),
      env: defined({ ...pick(env, common), ...own }),
      onLine: options.onLine,
    });
    children.set(name, child);
    void child.exited.then((exit) => {
      if (!stopping) failed.resolve(exit);
    });
    return child.ready();
  };
  const stop = async () => {
    stopping = true;
    await children.get('facade')?.stop();
    await Promise.all([...children.values()].map((child) => child.stop()));
  };
  const url = (name: ProcessName) => `http://${host}:${children.get(name)?.port}`;
  const store = (name: string, variable: string) =>
    env[variable] ?? `sqlite:${path.join(dataDir, `${name}.db`)}`;

  const databases = {
    LEGACY_DATABASE_URL: store('legacy', 'LEGACY_DATABASE_URL'),
    INVENTORY_DATABASE_URL: store('inventory', 'INVENTORY_DATABASE_URL'),
    PROFILE_DATABASE_URL: store('profile', 'PROFILE_DATABASE_URL'),
    BOOKING_DATABASE_URL: store('booking', 'BOOKING_DATABASE_URL'),
  };
  const { SESSION_SECRET, FIG_TOKEN } = secrets;
  // Services learn the keys of those who call them from where these publish them, whoever starts first.
  const adminPort = await reservePort(env.FACADE_ADMIN_PORT, 8081, host);
  const bookingPort = await reservePort(env.BOOKING_PORT, 4103, host);
  const keysAt = (port: string) => `http://${reachable(host)}:${port}/.well-known/jwks.json`;
  const IDENTITY_JWKS_URL = keysAt(adminPort);

  options.signal?.addEventListener('abort', () => void stop());
  try {
    await Promise.all([
      start('monolith', 'legacy-monolith/server.js', {
        ...pick(env, ['MONOLITH_PORT', 'NIGHTLY_SCHEDULE']),
        LEGACY_DATABASE_URL: databases.LEGACY_DATABASE_URL,
        UPLOADS_DIR: env.UPLOADS_DIR ?? path.join(dataDir, 'uploads'),
        SEED_SCALE: String(options.seedScale),
        SESSION_SECRET,
      }),
      start('inventory', 'extracted/inventory/server.js', {
        ...pick(env, ['INVENTORY_PORT']),
        INVENTORY_DATABASE_URL: databases.INVENTORY_DATABASE_URL,
        IDENTITY_JWKS_URL,
        BOOKING_JWKS_URL: keysAt(bookingPort),
      }).then(() =>
        start('booking', 'extracted/booking/server.js', {
          ...pick(env, [
            'BOOKING_EXPIRY_SCHEDULE',
            'BOOKING_HOLD_SECONDS',
            'BOOKING_RECOVER_AFTER_MS',
            'INVENTORY_TIMEOUT_MS',
          ]),
          BOOKING_PORT: bookingPort,
          BOOKING_DATABASE_URL: databases.BOOKING_DATABASE_URL,
          INVENTORY_URL: url('inventory'),
          IDENTITY_JWKS_URL,
          IDENTITY_KEYS_FILE: path.join(dataDir, 'booking-keys.json'),
        }),
      ),
      start('profile', 'extracted/profile/server.js', {
        ...pick(env, ['PROFILE_PORT']),
        PROFILE_DATABASE_URL: databases.PROFILE_DATABASE_URL,
        IDENTITY_JWKS_URL,
      }),
    ]);
    await start('sync-jobs', 'sync-jobs/server.js', {
      ...pick(env, ['SYNC_PORT', 'SYNC_FOLLOW']),
      ...databases,
      SYNC_INSTALL: 'auto',
      FIG_TOKEN,
    });
    await start('facade', 'facade/server.js', {
      ...pick(env, ['FACADE_PORT', 'REDIS_URL', 'REDIS_TIMEOUT_MS']),
      FACADE_ADMIN_PORT: adminPort,
      ROUTES_FILE: options.routesFile,
      MONOLITH_URL: url('monolith'),
      INVENTORY_URL: url('inventory'),
      PROFILE_URL: url('profile'),
      BOOKING_URL: url('booking'),
      IDENTITY_KEYS_FILE: path.join(dataDir, 'identity-keys.json'),
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    children,
    secrets,
    url,
    adminUrl: `http://${host}:${children.get('facade')?.ports.adminPort}`,
    failed: failed.promise,
    stop,
  };
}

/** Where a process on this machine finds one that listens on all of its addresses. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function pick(env: Readonly<Record<string, string | undefined>>, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

function defined(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
