import { Counter, type Registry } from '@prometheus-io/client';
import type { Logger } from '@strangler-fig/kernel/log';
import type { IdentifierOptions } from './identify.ts';

/** Writes down who was refused and which keys could not be had; never a token, nor anything out of one. */
export function identityRecord(
  log: Logger,
  registry: Registry,
): Pick<IdentifierOptions, 'onKeysFailed' | 'onRefused'> {
  const refused = new Counter({
    name: 'strangler_callers_refused_total',
    help: 'Requests answered 401 by the facade, by route and reason: absent, malformed, repeated, algorithm, key, signature, expired, nbf, iss, aud, no_user and others.',
    labelNames: ['route', 'reason'],
    registers: [registry],
  });
  return {
    onKeysFailed(error) {
      const { code } = error as NodeJS.ErrnoException;
      log.error({ code, reason: error.message }, 'keys could not be had; those that are known are used on');
    },
    onRefused(route, reason) {
      refused.inc({ route, reason });
      log.debug({ route, reason }, 'a caller was refused');
    },
  };
}
