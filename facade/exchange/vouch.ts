import { Failure } from '@strangler-fig/kernel/failure';
import type { Vouched } from '../forward/request-headers.ts';
import { type UpstreamFailure, upstreamFailure } from '../forward/upstream-failure.ts';
import type { Checked } from './checked.ts';
import type { OwnAnswer } from './gate.ts';
import { unidentified } from './unidentified.ts';

/** A caller that could not be identified. */
export interface Unidentified {
  readonly answer: OwnAnswer;
  /** For the log only: it names addresses, which the client is not told. Undefined where no backend failed. */
  readonly failure: UpstreamFailure | undefined;
  /** Whose failure it was. */
  readonly failed: string | undefined;
}

/** What the facade says to the backend about a request. */
export async function vouch(checked: Checked): Promise<Vouched | Unidentified> {
  const { table, backend, route, received, host, traceparent } = checked;
  try {
    const identity = await checked.identityFor(backend);
    const { forwardedFor, scheme } = received;
    return { forwardedFor, scheme, host, traceparent, identity };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const answer = unidentified(error, route.name);
    if (error.code !== 'session_unavailable') return { answer, failure: undefined, failed: undefined };
    return { answer, failure: upstreamFailure(error.cause), failed: table.identity?.session?.backend };
  }
}
