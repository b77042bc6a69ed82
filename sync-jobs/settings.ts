import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import { validate } from 'node-cron';
import type { GroupDeclaration } from './mapping/group.ts';
import { type DatabaseLocation, parseDatabaseUrl } from './stores/url.ts';

/** What the environment says. */
export interface Settings {
  host: string;
  /** 0 takes any free port. */
  port: number;
  legacy: DatabaseLocation;
  /** The service's store of each group, by the group's name. */
  services: Map<string, DatabaseLocation>;
  /** Cron expression, seconds first. */
  schedule: string;
  chunkRows: number;
  token: string | undefined;
}

const dataFolder = path.resolve(import.meta.dirname, '..', '.data');

/**
 * Reads the settings; the README's table explains each.
 * @throws Failure `setting_invalid` or `database_url_invalid`, naming the variable; exit code 2.
 */
export function readSettings(env: NodeJS.ProcessEnv, groups: GroupDeclaration[]): Settings {
  return {
    host: env.HOST || '127.0.0.1',
    port: wholeNumber(env, 'SYNC_PORT', { from: 0, to: 65_535, otherwise: 8082 }),
    legacy: database(env, 'LEGACY_DATABASE_URL', 'legacy'),
    services: new Map(groups.map(({ name }) => [name, database(env, databaseVariable(name), name)])),
    schedule: schedule(env),
    chunkRows: wholeNumber(env, 'SYNC_CHUNK_ROWS', { from: 1, to: 50_000, otherwise: 1_000 }),
    token: env.FIG_TOKEN || undefined,
  };
}

/** The variable that says where a group's service keeps its rows: INVENTORY_DATABASE_URL. */
function databaseVariable(group: string): string {
  return `${group.toUpperCase().replaceAll('-', '_')}_DATABASE_URL`;
}

function database(env: NodeJS.ProcessEnv, variable: string, file: string): DatabaseLocation {
  return parseDatabaseUrl(env[variable] || `sqlite:${path.join(dataFolder, `${file}.db`)}`, variable);
}

function schedule(env: NodeJS.ProcessEnv): string {
  const text = env.SYNC_SCHEDULE || '*/5 * * * * *';
  if (validate(text)) return text;
  throw invalid(
    `SYNC_SCHEDULE is not a cron expression: ${text}`,
    'Set it to something like "*/5 * * * * *".',
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
