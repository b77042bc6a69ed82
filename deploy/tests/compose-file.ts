import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';

export const root = path.join(import.meta.dirname, '..', '..');

/** A service of docker-compose.yml, with `${…}` replaced as docker compose does it. */
export interface ComposeService {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The health check's command; empty where there is none. */
  readonly healthcheck: readonly string[];
  readonly dependsOn: Readonly<Record<string, string>>;
}

/**
 * Reads docker-compose.yml.
 * @param env what `.env` would hold.
 */
export async function composeServices(env: Record<string, string>): Promise<Map<string, ComposeService>> {
  const text = await readFile(path.join(root, 'docker-compose.yml'), 'utf8');
  const file = parse(interpolate(text, env), { merge: true }) as { services: Record<string, RawService> };
  return new Map(Object.entries(file.services).map(([name, raw]) => [name, service(raw)]));
}

interface RawService {
  command?: string[];
  environment?: Record<string, string | number>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

function service(raw: RawService): ComposeService {
  return {
    command: raw.command ?? [],
    environment: Object.fromEntries(
      Object.entries(raw.environment ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    healthcheck: (raw.healthcheck?.test ?? []).slice(1),
    dependsOn: Object.fromEntries(
      Object.entries(raw.depends_on ?? {}).map(([name, { condition }]) => [name, condition]),
    ),
  };
}

/** `${NAME:-default}` and `${NAME:?message}`, as the Compose specification defines them. */
function interpolate(text: string, env: Record<string, string>): string {
  return text.replace(/\$\{(\w+)(?::(-|\?)([^}]*))?\}/g, (_, name: string, kind?: string, rest = '') => {
    const value = env[name];
    if (value) return value;
    if (kind === '-') return rest;
    throw new Error(`${name}: ${rest || 'is not set'}`);
  });
}
