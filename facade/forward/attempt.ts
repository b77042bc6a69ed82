import type { ServerResponse } from 'node:http';
import type { Backend } from '../routes/model.ts';
import type { AnswerTap } from './forwarder.ts';
import type { RequestBody } from './request-body.ts';
import type { UpstreamFailure } from './upstream-failure.ts';

/** One request, sent once to one address of a backend. */
export interface Attempt {
  readonly backend: Backend;
  /** Which of the backend's urls. */
  readonly url: string;
  /** On a connection of its own, because a kept one has just turned out to be closed. */
  readonly fresh: boolean;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values alternating. */
  readonly headers: string[];
  readonly response: ServerResponse;
  /** Undefined where the request has none. */
  readonly body: RequestBody | undefined;
  /** Headers that the facade adds to the answer. */
  readonly answerHeaders: readonly (readonly [string, string])[];
  /** Changes the headers of the backend's answer, names and values alternating, before those are added. */
  readonly rewriteAnswer?: ((headers: string[]) => string[]) | undefined;
  readonly tap: AnswerTap | undefined;
  readonly watcher: AnswerWatcher;
}

/** Sees what the backend says before the client does. */
export interface AnswerWatcher {
  /**
   * The head of the answer is there.
   * @param raw names and values alternating, as they were read.
   * @returns false: the client shall not see this answer, because it gets another.
   */
  head(status: number, raw: readonly (Buffer | string)[]): boolean;
}

/** What became of an attempt. It never throws. */
export type AttemptResult =
  /** The backend's answer went out whole. */
  | { readonly kind: 'answered'; readonly status: number }
  /** It broke off in the middle of the answer; the client's connection was cut so that it can tell. */
  | { readonly kind: 'broken'; readonly status: number; readonly failure: UpstreamFailure }
  /** The answer's head was there, and the watcher did not want it. */
  | { readonly kind: 'declined'; readonly status: number }
  /** No answer; the client still waits for one. */
  | {
      readonly kind: 'failed';
      readonly failure: UpstreamFailure;
      /** False where not one byte of the request can have reached the backend. */
      readonly sent: boolean;
      /** The connection had been used before, so it may have been closed before the request came. */
      readonly reused: boolean;
    };

/** Sends requests to backends, each once. */
export interface Attempts {
  attempt(attempt: Attempt): Promise<AttemptResult>;
  /** Ends connections to addresses that the current routes no longer name, after what runs on them. */
  retain(backends: Iterable<Backend>): void;
  close(): Promise<void>;
}
