import { randomBytes } from 'node:crypto';
import path from 'node:path';
import cron from 'node-cron';

export interface Configuration {
  host: string;
  port: number;
  databaseUrl: string;
  sessionSecret: string;
  uploadsDir: string;
  nightlySchedule: string;
  /** Seeds an empty database at start; undefined leaves it empty. */
  seedScale: number | undefined;
}

/** An environment variable holds something that cannot be used. */
export class ConfigurationError extends Error {
  readonly code = 'configuration_invalid';
  readonly hint: string;
  override readonly name = 'ConfigurationError';

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const dataDir = path.join(import.meta.dirname, '..', '.data');

export const defaultDatabaseUrl = `sqlite:${path.join(dataDir, 'legacy.db')}`;

/** Reads the environment; an empty variable counts as not set. */
export function readConfiguration(env: NodeJS.ProcessEnv): Configuration {
  return {
    host: env.HOST || '127.0.0.1',
    port: port(env.MONOLITH_PORT || '4000'),
    databaseUrl: env.LEGACY_DATABASE_URL || defaultDatabaseUrl,
    // Without a secret a new one is made at each start: the sessions in the database outlive a restart, the
    // signatures on their cookies do not, so everybody logs in again. Several processes need a common one.
    sessionSecret: env.SESSION_SECRET || randomBytes(32).toString('hex'),
    uploadsDir: path.resolve(env.UPLOADS_DIR || path.join(dataDir, 'uploads')),
    nightlySchedule: schedule(env.NIGHTLY_SCHEDULE || '0 3 * * *'),
    seedScale: env.SEED_SCALE ? readScale('SEED_SCALE', env.SEED_SCALE) : undefined,
  };
}

/** A scale is a number above 0, at most 100; 1 is 20,000 users. */
export function readScale(name: string, text: string): number {
  const scale = Number(text);
  if (!(scale > 0 && scale <= 100)) {
    throw new ConfigurationError(
      `${name} is not a scale: ${text}`,
      'Use a number above 0 and up to 100, such as 0.02.',
    );
  }
  return scale;
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new ConfigurationError(`MONOLITH_PORT is not a port: ${text}`, 'Use 0 (any free one) to 65535.');
  }
  return Number(text);
}

function schedule(expression: string): string {
  if (!cron.validate(expression)) {
    throw new ConfigurationError(
      `NIGHTLY_SCHEDULE is not a cron expression: ${expression}`,
      `Use five fields, such as '0 3 * * *'.`,
    );
  }
  return expression;
}
