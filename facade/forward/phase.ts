import type { Timeouts } from '../routes/model.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** Whose turn it is in an attempt, and so whose time runs. */
export type Phase =
  | 'connecting'
  /** The backend has the request, or a piece of it, and is to do something with it. */
  | 'asked'
  /** The client is to send the next piece of its body, which is timed there. */
  | 'client sends'
  | 'answering'
  /** The client does not take the answer as fast as it comes. */
  | 'stalled'
  /** Nobody wants the answer. */
  | 'declined'
  | 'over';

/** Whoever's turn it was has taken too long. */
export function tooLate(phase: Phase, { connect, request, idle }: Timeouts): UpstreamFailure {
  switch (phase) {
    case 'connecting':
      return new UpstreamFailure('connect_timeout', `no connection within ${connect} ms`);
    case 'stalled':
      return new UpstreamFailure('client_slow', `the client took nothing for ${idle} ms`);
    case 'answering':
      return new UpstreamFailure('idle_timeout', `nothing of the answer for ${idle} ms`);
    default:
      return new UpstreamFailure('answer_timeout', `no answer within ${request} ms`);
  }
}
