import { request } from 'undici';
import type { BackendState, BackendStates } from '../resilience/backend-state.ts';
import type { Backend } from '../routes/model.ts';
import type { BackendHealth } from './server.ts';

/**
 * What each backend is like now. Each address of those that name a health path is asked whether it is well, for
 * at most two seconds.
 */
export function backendHealth(backends: Iterable<Backend>, states: BackendStates): Promise<BackendHealth[]> {
  return Promise.all([...backends].map((backend) => healthOf(backend, states.of(backend))));
}

async function healthOf(backend: Backend, state: BackendState): Promise<BackendHealth> {
  const answers = await Promise.all(backend.urls.map((url) => ask(url, backend.health)));
  const { breaker, bulkhead, balance } = state;
  return {
    backend: backend.name,
    url: backend.url,
    healthy: answers.some(({ healthy }) => healthy),
    detail: answers.map(({ detail }) => detail).join('; '),
    breaker: breaker?.state ?? 'off',
    requests: bulkhead.inside,
    waiting: bulkhead.waiting,
    urls: balance.addresses.map((address, index) => ({
      url: address.url,
      healthy: answers[index]?.healthy ?? false,
      // By its checks and its failures so far, which may lag behind what was just asked.
      takesRequests: address.usable(performance.now()),
      requests: address.inFlight,
    })),
  };
}

async function ask(url: string, path: string | undefined): Promise<{ healthy: boolean; detail: string }> {
  if (path === undefined) return { healthy: true, detail: 'no health path given' };
  try {
    const answer = await request(new URL(path, url), { signal: AbortSignal.timeout(2_000) });
    await answer.body.dump();
    const healthy = answer.statusCode >= 200 && answer.statusCode < 300;
    return { healthy, detail: `${path} answered ${answer.statusCode}` };
  } catch (error) {
    return { healthy: false, detail: `${path}: ${(error as Error).message}` };
  }
}
