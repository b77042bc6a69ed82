import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Backend } from '../routes/model.ts';
import type { UpstreamFailure } from './upstream-failure.ts';

/** One request to one backend, whose answer goes to the client as it arrives. */
export interface Forwarding {
  readonly backend: Backend;
  readonly method: string;
  /** Path and query as received. */
  readonly path: string;
  /** Names and values alternating. */
  readonly headers: string[];
  /** The client's request: its body is streamed, and its end means that nobody waits any longer. */
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Headers that the facade adds to the answer. */
  readonly answerHeaders: readonly (readonly [string, string])[];
  /** Changes the headers of the backend's answer, names and values alternating, before those are added. */
  readonly rewriteAnswer?: ((headers: string[]) => string[]) | undefined;
  /** Sees the answer go by, for `compare`. It must not keep what it gets beyond a bound of its own. */
  readonly tap: AnswerTap | undefined;
  /** Sees the request's body go by, for `compare`. */
  readonly bodyTap?: ((piece: Buffer) => void) | undefined;
}

export interface AnswerTap {
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
}

/** What became of a forwarding. It never throws. */
export type ForwardingResult =
  /** The backend's answer went out whole. */
  | { readonly kind: 'answered'; readonly status: number }
  /** It failed before anything was sent to the client, who still waits for an answer. */
  | { readonly kind: 'failed'; readonly failure: UpstreamFailure }
  /** It broke off in the middle of the answer; the client's connection was cut so that it can tell. */
  | { readonly kind: 'broken'; readonly status: number; readonly failure: UpstreamFailure };

/** Carries ordinary HTTP requests to backends. */
export interface Forwarder {
  forward(forwarding: Forwarding): Promise<ForwardingResult>;
  /** Ends connections to backends that the current routes no longer name, after what runs on them. */
  retain(backends: Iterable<Backend>): void;
  close(): Promise<void>;
}
