import type { IncomingHttpHeaders } from 'node:http';
import type { RequestTarget } from '../check/target.ts';

/** What a decision looks at. The same for a live request and for `fig explain`. */
export interface DecisionRequest {
  /** As received; methods are case-sensitive (RFC 9110, 9.1). */
  readonly method: string;
  readonly target: RequestTarget;
  /** As node:http gives them: lower-case names, repeated ones joined. */
  readonly headers: IncomingHttpHeaders;
  /** The client's address, for `sticky: address`. */
  readonly clientAddress: string;
}
