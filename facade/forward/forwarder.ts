import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Backend } from '../routes/model.ts';
import type { BodyBound } from './request-body.ts';
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
  /** How long the request's body may be; undefined: as long as it wants. */
  readonly bodyBound?: BodyBound | undefined;
  /** Who answers when the backend fails; undefined: nobody. */
  readonly fallback?: Fallback | undefined;
}

/** A second backend for a request whose first one fails. */
export interface Fallback {
  readonly route: string;
  readonly backend: Backend;
  /** Statuses of the first backend that count as a failure. */
  readonly on: readonly number[];
  /** Bytes of the request's body that are kept for it; a longer one is sent to the first backend only. */
  readonly keep: number;
  /** Whether an Idempotency-Key allows it where the first backend may have done what was asked. */
  readonly idempotencyKey: boolean;
  /** Puts the request as this backend wants it, when it is needed; undefined where that cannot be done now. */
  prepare(): Promise<Pick<Forwarding, 'headers' | 'answerHeaders' | 'rewriteAnswer'> | undefined>;
}

export interface AnswerTap {
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
}

/** What became of a forwarding. It never throws. */
export type ForwardingResult = {
  /** Whose answer or failure it is, where that is not the backend that was asked first. */
  readonly backend?: Backend | undefined;
} /** The backend's answer went out whole. */ & (
  | { readonly kind: 'answered'; readonly status: number }
  /** It failed before anything was sent to the client, who still waits for an answer. */
  | { readonly kind: 'failed'; readonly failure: UpstreamFailure }
  /** It broke off in the middle of the answer; the client's connection was cut so that it can tell. */
  | { readonly kind: 'broken'; readonly status: number; readonly failure: UpstreamFailure }
);

/** Carries ordinary HTTP requests to backends. */
export interface Forwarder {
  forward(forwarding: Forwarding): Promise<ForwardingResult>;
  /** Ends connections to backends that the current routes no longer name, after what runs on them. */
  retain(backends: Iterable<Backend>): void;
  close(): Promise<void>;
}
