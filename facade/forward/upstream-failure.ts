import type { Problem } from '@strangler-fig/kernel/problem';

/** Who failed, in which phase of forwarding one request. The list is closed. */
export type UpstreamFailureKind =
  | 'unreachable' // no connection to the backend
  | 'connect_timeout' // no connection within its connect time-out
  | 'answer_timeout' // connected and sent, no answer's head within its request time-out
  | 'idle_timeout' // the answer began and then paused longer than its idle time-out
  | 'reset' // the backend closed the connection before the answer was complete
  | 'bad_answer' // what the backend sent is not HTTP, or beyond limits
  | 'client_gone' // the client went away first
  | 'client_slow'; // the client paused within its body longer than the idle time-out

export class UpstreamFailure extends Error {
  readonly kind: UpstreamFailureKind;

  constructor(kind: UpstreamFailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UpstreamFailure';
    this.kind = kind;
  }
}

const bySystemCode: Record<string, UpstreamFailureKind> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  ERR_UPSTREAM_UPGRADE_TIMEOUT: 'answer_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'answer_timeout',
  UND_ERR_BODY_TIMEOUT: 'idle_timeout',
  UND_ERR_SOCKET: 'reset',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_CLOSED: 'reset',
  UND_ERR_DESTROYED: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'bad_answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad_answer',
  UND_ERR_RESPONSE_EXCEEDED_SIZE: 'bad_answer',
};

/** Finds out what an error of undici, node:net or httpxy means. */
export function upstreamFailure(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = String((cause as NodeJS.ErrnoException).code ?? '');
  const kind = bySystemCode[code] ?? (code.startsWith('HPE_') ? 'bad_answer' : 'unreachable');
  return new UpstreamFailure(kind, cause.message, cause);
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
        detail: `${backend} ${failure.kind === 'connect_timeout' ? 'took no connection' : 'sent no answer'} within its time-out. It may or may not have processed the request.`,
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
    case 'client_slow':
      return {
        status: 408,
        code: 'request_timeout',
        title: 'The request took too long to arrive',
        detail: 'The request body paused for longer than the time-out.',
        ...context,
      };
    case 'reset':
    case 'bad_answer':
    case 'client_gone':
      return {
        status: 502,
        code: failure.kind === 'bad_answer' ? 'backend_bad_answer' : 'backend_reset',
        title: 'The backend did not give a usable answer',
        detail: `${backend} ${failure.kind === 'bad_answer' ? 'sent something that is not valid HTTP' : 'closed the connection before it answered'}. It may or may not have processed the request.`,
        ...context,
      };
  }
}
