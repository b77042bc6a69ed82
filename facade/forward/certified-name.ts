import type { Backend } from '../routes/model.ts';

/**
 * The name that a backend's certificate must have: its own, not the Host that the client asked for, which is what
 * undici takes otherwise. Undefined for plain HTTP.
 */
export function certifiedName(backend: Backend): string | undefined {
  return backend.url.startsWith('https:') ? new URL(backend.url).hostname : undefined;
}
