import type { Difference } from '@strangler-fig/kernel/json-diff';
import type { Answer } from './answer.ts';

/** A request that was to be put to two backends. */
export interface ComparedRequest {
  readonly route: string;
  readonly method: string;
  /** With its query, as the backends were asked. Whoever stores it should know that it may name persons. */
  readonly path: string;
  readonly traceId: string;
  /** What the request carried; empty where nothing, which is all of them unless the route says `writesSafe`. */
  readonly body: Buffer;
}

/** One side of a pair. */
export interface Side {
  readonly backend: string;
  /** When it was asked. */
  readonly askedAt: Date;
  /** Milliseconds until its answer was complete. */
  readonly milliseconds: number;
  /** As a client would see it, headers rewritten and all; the body as it was coded. */
  readonly answer: Answer;
}

/** How one comparison ended. `first` is the side whose answer the client got. */
export type Comparison =
  | { readonly result: 'equal'; readonly first: Side; readonly other: Side }
  | {
      readonly result: 'different';
      readonly first: Side;
      readonly other: Side;
      readonly differences: readonly Difference[];
    }
  /** The other side gave no answer that could be compared. */
  | { readonly result: 'failed'; readonly first: Side; readonly reason: string }
  /** A body was longer than the route keeps. */
  | { readonly result: 'skipped' }
  /** There was no room for it: the clients' own traffic comes first. */
  | { readonly result: 'shed' };

/**
 * Where every comparison goes. It is called after the client has its answer, and must neither block nor keep
 * bodies without a bound of its own; what it throws is logged and changes nothing.
 */
export interface Recorder {
  record(request: ComparedRequest, comparison: Comparison): void;
}
