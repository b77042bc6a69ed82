import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What the processes of one system share and nobody else may know. */
export interface Secrets {
  /** Signs the monolith's session cookies. */
  readonly SESSION_SECRET: string;
  /** Allows to change state through sync-jobs' control API. */
  readonly FIG_TOKEN: string;
}

/**
 * The secrets of the system whose data is in a folder: those in the environment, else those of the last start, so
 * that sessions outlive a restart, else new random ones. They are kept in secrets.json, readable by its owner only.
 */
export async function secretsIn(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Secrets> {
  const file = path.join(dataDir, 'secrets.json');
  const kept = await readKept(file);
  const one = (name: keyof Secrets) => env[name] || kept[name] || randomBytes(32).toString('base64url');
  const secrets = {
    SESSION_SECRET: one('SESSION_SECRET'),
    FIG_TOKEN: one('FIG_TOKEN'),
  };
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

async function readKept(file: string): Promise<Partial<Secrets>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Secrets>;
  } catch {
    return {};
  }
}
