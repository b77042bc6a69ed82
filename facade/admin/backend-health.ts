import { request } from 'undici';
import type { Backend } from '../routes/model.ts';
import type { BackendHealth } from './server.ts';

/** Asks every backend that names a health path whether it is well, each for at most two seconds. */
export function backendHealth(backends: Iterable<Backend>): Promise<BackendHealth[]> {
  return Promise.all([...backends].map(healthOf));
}

async function healthOf(backend: Backend): Promise<BackendHealth> {
  const { name, url, health } = backend;
  if (health === undefined) return { backend: name, url, healthy: true, detail: 'no health path given' };
  try {
    const answer = await request(new URL(health, url), { signal: AbortSignal.timeout(2_000) });
    await answer.body.dump();
    const healthy = answer.statusCode >= 200 && answer.statusCode < 300;
    return { backend: name, url, healthy, detail: `${health} answered ${answer.statusCode}` };
  } catch (error) {
    return { backend: name, url, healthy: false, detail: `${health}: ${(error as Error).message}` };
  }
}
