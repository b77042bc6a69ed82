import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import { validate } from 'node-cron';
import type { GroupDeclaration } from './mapping/group.ts';
import type { Throttle } from './runner/throttle.ts';
import { type DatabaseLocation, parseDatabaseUrl } from './stores/url.ts';

/** What the environment says. */
export interface Settings {
  host: string;
  /** 0 takes any free port. */
  port: number;
  legacy: DatabaseLocation;
  /** The service's store of each group, by the group's name. */
  services: Map<string, DatabaseLocation>;
  chunkRows: number;
  throttle: Throttle;
  /** Install capture where it is missing. */
  installs: boolean;
  /** Follow changes after the first copy. */
  follows: boolean;
  schedules: Schedules;
  /** A log is pruned beyond the last full verification where it has more rows. */
  mostLogRows: number;
  token: string | undefined;
}

/** Cron expressions, seconds first. */
export interface Schedules {
  verify: string;
  verifyChanged: string;
  prune: string;
}

const dataFolder = path.resolve(import.meta.dirname, '..', '.data');

/**
 * Reads the settings; the README's table explains each.
 * @throws Failure `setting_invalid` or `database_url_invalid`, naming the variable; exit code 2.
 */
export function readSettings(env: NodeJS.ProcessEnv, groups: GroupDeclaration[]): Settings {
  const rate = wholeNumber(env, 'SYNC_ROWS_PER_SECOND', { from: 0, to: 100_000_000, otherwise: 0 });
  return {
    host: env.HOST || '127.0.0.1',
    port: wholeNumber(env, 'SYNC_PORT', { from: 0, to: 65_535, otherwise: 8082 }),
    ...readDatabases(env, groups),
    chunkRows: wholeNumber(env, 'SYNC_CHUNK_ROWS', { from: 1, to: 50_000, otherwise: 2_000 }),
    throttle: {
      rowsPerSecond: rate === 0 ? undefined : rate,
      sourceLatency: wholeNumber(env, 'SYNC_SOURCE_LATENCY_MS', { from: 1, to: 60_000, otherwise: 100 }),
    },
    installs: oneOf(env, 'SYNC_INSTALL', ['never', 'auto']) === 'auto',
    follows: oneOf(env, 'SYNC_FOLLOW', ['yes', 'no']) === 'yes',
    schedules: {
      verify: schedule(env, 'SYNC_VERIFY_SCHEDULE', '0 17 3 * * *'),
      verifyChanged: schedule(env, 'SYNC_VERIFY_CHANGED_SCHEDULE', '30 */15 * * * *'),
      prune: schedule(env, 'SYNC_PRUNE_SCHEDULE', '10 * * * * *'),
    },
    mostLogRows: wholeNumber(env, 'SYNC_LOG_ROWS', { from: 1, to: 999_999_999, otherwise: 1_000_000 }),
    token: env.FIG_TOKEN || undefined,
  };
}

/**
 * Where the legacy database and each group's store are.
 * @throws Failure `database_url_invalid`, naming the variable; exit code 2.
 */
export function readDatabases(
  env: NodeJS.ProcessEnv,
  groups: Pick<GroupDeclaration, 'name'>[],
): Pick<Settings, 'legacy' | 'services'> {
  return {
    legacy: database(env, 'LEGACY_DATABASE_URL', 'legacy'),
    services: new Map(groups.map(({ name }) => [name, database(env, databaseVariable(name), name)])),
  };
}

/** The variable that says where a group's service keeps its rows: INVENTORY_DATABASE_URL. */
function databaseVariable(group: string): string {
  return `${group.toUpperCase().replaceAll('-', '_')}_DATABASE_URL`;
}

function database(env: NodeJS.ProcessEnv, variable: string, file: string): DatabaseLocation {
  return parseDatabaseUrl(env[variable] || `sqlite:${path.join(dataFolder, `${file}.db`)}`, variable);
}

function schedule(env: NodeJS.ProcessEnv, variable: string, otherwise: string): string {
  const text = env[variable] || otherwise;
  if (validate(text)) return text;
  throw invalid(`${variable} is not a cron expression: ${text}`, `Set it to something like "${otherwise}".`);
}

function oneOf(env: NodeJS.ProcessEnv, variable: string, choices: readonly [string, ...string[]]): string {
  const text = env[variable] || choices[0];
  if (choices.includes(text)) return text;
  throw invalid(
    `${variable} is not one of ${choices.join(', ')}: ${text}`,
    `Leave it out for ${choices[0]}.`,
  );
}

function wholeNumber(
  env: NodeJS.ProcessEnv,
  variable: string,
  { from, to, otherwise }: { from: number; to: number; otherwise: number },
): number {
  const text = env[variable];
  if (text === undefined || text === '') return otherwise;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to) return value;
  throw invalid(
    `${variable} is not a whole number from ${from} to ${to}: ${text}`,
    `Leave it out for ${otherwise}.`,
  );
}

function invalid(message: string, hint: string): Failure {
  return new Failure('setting_invalid', `${message}.`, { hint, exitCode: 2 });
}
