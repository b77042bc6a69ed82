import type { Problem } from '@strangler-fig/kernel/problem';
import { errors } from 'undici';

/** Who failed, in which phase of forwarding one request. The list is closed. */
export type UpstreamFailureKind =
  | 'unreachable' // no connection to the backend, so nothing was sent
  | 'connect_timeout' // no connection within its connect time-out
  | 'answer_timeout' // connected and sent, no answer's head within its request time-out
  | 'idle_timeout' // the answer began and then paused longer than its idle time-out
  | 'reset' // the backend closed the connection before the answer was complete
  | 'bad_answer' // what the backend sent is not HTTP, or beyond limits
  | 'circuit_open' // not asked, because it failed too often just now
  | 'overloaded' // not asked, because it has as many requests as it may have
  | 'unavailable' // it answered with a failure of its own, and no other backend could be asked
  | 'client_gone' // the client went away first
  | 'body_too_large' // the client's body is longer than its route allows
  | 'client_slow'; // the client paused, in its body or in taking the answer, longer than the idle time-out

export class UpstreamFailure extends Error {
  readonly kind: UpstreamFailureKind;
  /** Seconds after which it is worth asking again, where that is known. */
  readonly retryAfter: number | undefined;

  constructor(kind: UpstreamFailureKind, message: string, cause?: unknown, retryAfter?: number) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UpstreamFailure';
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

/** The client went away: whatever else went wrong is no longer anybody's matter. */
export function clientGone(): UpstreamFailure {
  return new UpstreamFailure('client_gone', 'the client went away before the answer was complete');
}

/** The header that says when to ask again; none where that is not known. */
export function retryAfterHeader({ retryAfter }: UpstreamFailure): Record<string, string> {
  return retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
}

const byCode: Record<string, UpstreamFailureKind> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'answer_timeout',
  UND_ERR_BODY_TIMEOUT: 'idle_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'bad_answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad_answer',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'bad_answer',
};

/** What fails before a connection is there: looking up the name, connecting, and TLS. */
const beforeConnected = /^(?:connect|getaddrinfo)$/;
const ofTls = /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

/** Finds out what an error of undici, node:net or node:http means. */
export function upstreamFailure(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  return new UpstreamFailure(kindOf(cause), messageOf(cause), cause);
}

/** An error of several, one for each address of a name, says nothing itself. */
function messageOf(error: Error): string {
  if (!(error instanceof AggregateError) || error.message !== '') return error.message;
  return error.errors
    .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
    .join(', ');
}

/** Whatever is not known counts as cut off in the middle: then nobody concludes that nothing was sent. */
function kindOf(error: NodeJS.ErrnoException): UpstreamFailureKind {
  const { syscall = '' } = error;
  // A DOMException, such as that of an expired AbortSignal.timeout, has a number for its code.
  const code = typeof error.code === 'string' ? error.code : '';
  if (error.name === 'TimeoutError') return 'answer_timeout';
  if (error instanceof AggregateError) return 'unreachable';
  if (beforeConnected.test(syscall)) return code === 'ETIMEDOUT' ? 'connect_timeout' : 'unreachable';
  if (ofTls.test(code)) return 'unreachable';
  // undici's parser leaves the code out.
  if (error instanceof errors.HTTPParserError || code.startsWith('HPE_')) return 'bad_answer';
  return byCode[code] ?? 'reset';
}

/** What the client is told. The backend is named, its address is not. */
export function upstreamProblem(failure: UpstreamFailure, route: string, backend: string): Problem {
  const context = { route, backend };
  switch (failure.kind) {
    case 'connect_timeout':
    case 'answer_timeout':
    case 'idle_timeout':
      return {
        status: 504,
        code: `backend_${failure.kind}`,
        title: 'The backend did not answer in time',
        detail:
          failure.kind === 'connect_timeout'
            ? `${backend} took no connection within its time-out; the request was not sent.`
            : `${backend} sent no answer within its time-out. It may or may not have processed the request.`,
        ...context,
      };
    case 'unreachable':
      return {
        status: 502,
        code: 'backend_unreachable',
        title: 'The backend cannot be reached',
        detail: `There is no connection to ${backend}; the request was not sent. See whether it runs, and its url in routes.yaml.`,
        ...context,
      };
    case 'circuit_open':
      return {
        status: 503,
        code: 'circuit_open',
        title: 'The backend is given a rest',
        detail: `${backend} has failed too often, and is not asked for a moment; the request was not sent.`,
        ...context,
      };
    case 'overloaded':
      return {
        status: 503,
        code: 'overloaded',
        title: 'Too many requests at once',
        detail: `${backend} has as many requests as it may have at once; this one was not sent.`,
        ...context,
      };
    case 'unavailable':
      return {
        status: 502,
        code: 'backend_unavailable',
        title: 'The backend cannot answer now',
        detail: `${backend} answered with an error, and its fallback could not be asked.`,
        ...context,
      };
    case 'client_slow':
      return {
        status: 408,
        code: 'request_timeout',
        title: 'The request took too long to arrive',
        detail: 'The request body paused for longer than the time-out.',
        ...context,
      };
    case 'body_too_large':
      return {
        status: 413,
        code: 'body_too_large',
        title: 'The request body is too large',
        detail: failure.message,
        ...context,
      };
    case 'bad_answer':
      return {
        status: 502,
        code: 'backend_bad_answer',
        title: 'The backend did not give a usable answer',
        detail: `${backend} sent something that is not valid HTTP. It may or may not have processed the request.`,
        ...context,
      };
    case 'reset':
    case 'client_gone':
      return {
        status: 502,
        code: 'backend_reset',
        title: 'The backend did not give a usable answer',
        detail: `${backend} closed the connection before it answered. It may or may not have processed the request.`,
        ...context,
      };
  }
}
