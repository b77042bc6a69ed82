import { Failure } from '@strangler-fig/kernel/failure';
import type { FaultKind } from '../faults/fault.ts';
import type { Fallback } from '../forward/forwarder.ts';
import type { Vouched } from '../forward/request-headers.ts';
import { answerRewriter, headersAsked } from '../rewrite/of-route.ts';
import { answerHeaders } from './answer-headers.ts';
import type { Checked } from './checked.ts';

/** Who answers when the backend fails, with an identity and headers of its own. */
export function fallbackOf(
  checked: Checked,
  vouched: Vouched,
  fault: FaultKind | undefined,
): Fallback | undefined {
  const { table, route, backend, request } = checked;
  const { fallback } = route;
  const other = fallback && table.backends.get(fallback.backend);
  if (fallback === undefined || other === undefined || other === backend) return undefined;
  return {
    route: route.name,
    backend: other,
    on: fallback.on,
    keep: fallback.body,
    idempotencyKey: fallback.idempotencyKey,
    prepare: async () => {
      try {
        const identity = await checked.identityFor(other);
        return {
          headers: headersAsked(route, request, other, { ...vouched, identity }),
          answerHeaders: answerHeaders(checked, other, fault),
          rewriteAnswer: answerRewriter(route, other, vouched),
        };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return undefined;
      }
    },
  };
}
