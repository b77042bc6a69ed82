import { Failure } from '@strangler-fig/kernel/failure';
import type { Checked } from './checked.ts';
import type { Gate, OwnAnswer } from './gate.ts';
import { unidentified } from './unidentified.ts';

/**
 * Stops whoever has no valid token where the route asks for one, whatever its backend. Gates behind it can ask
 * `checked.caller()` on such a route and get an answer.
 */
export const knownCaller: Gate = (checked) => (checked.route.auth?.jwt ? verified(checked) : undefined);

async function verified(checked: Checked): Promise<OwnAnswer | undefined> {
  try {
    await checked.caller();
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return unidentified(error, checked.route.name);
    throw error;
  }
}
