import { Agent } from 'undici';
import { certifiedName } from '../forward/certified-name.ts';
import type { Backend } from '../routes/model.ts';
import type { HealthCheckSettings } from '../routes/model-resilience.ts';
import type { Address } from './address.ts';
import type { ResilienceEvents } from './events.ts';

/**
 * Asks each address of a backend all the time whether it is well, where the backend wants that.
 * @returns what ends it.
 */
export function startHealthChecks(
  backend: Backend,
  addresses: readonly Address[],
  events: ResilienceEvents,
): () => void {
  const settings = backend.healthChecks;
  if (settings === undefined) return () => {};
  // Each question on a connection of its own: whether it takes new ones is half of what is asked.
  const agent = new Agent({ pipelining: 0, connect: { timeout: settings.timeout }, allowH2: false });
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  const check = async (address: Address): Promise<void> => {
    const well = await isWell(agent, address.url, settings);
    if (closed) return;
    if (address.checked(well, settings)) events.healthChanged(backend.name, address.url, well);
    next(address, settings.interval);
  };
  const next = (address: Address, milliseconds: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void check(address);
    }, milliseconds);
    timers.add(timer.unref());
  };

  // Spread over the first interval: many facades may start at once.
  for (const address of addresses) next(address, Math.random() * settings.interval);
  return () => {
    closed = true;
    for (const timer of timers) clearTimeout(timer);
    void agent.destroy();
  };
}

/** Whether a backend answers 2xx in time. */
async function isWell(agent: Agent, url: string, { path, timeout }: HealthCheckSettings): Promise<boolean> {
  try {
    const answer = await agent.request({
      origin: url,
      path,
      method: 'GET',
      signal: AbortSignal.timeout(timeout),
      servername: certifiedName({ url }),
    } as Parameters<Agent['request']>[0]);
    await answer.body.dump();
    return answer.statusCode >= 200 && answer.statusCode < 300;
  } catch {
    return false;
  }
}
