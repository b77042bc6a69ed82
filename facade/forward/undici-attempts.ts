import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { buildConnector, Client, type Dispatcher, errors, Pool } from 'undici';
import type { Backend, Timeouts } from '../routes/model.ts';
import { addTrailers, cutAnswer } from './answer-end.ts';
import type { Attempt, AttemptResult, Attempts } from './attempt.ts';
import { certifiedName } from './certified-name.ts';
import { Deadline } from './deadlines.ts';
import { flushHead } from './flush-head.ts';
import { sendInterim } from './interim-answer.ts';
import type { BodyPieces } from './request-body.ts';
import { responseHeaders } from './response-headers.ts';
import { UpstreamFailure, upstreamFailure } from './upstream-failure.ts';

/** Bytes of an answer's head. */
const longestHead = 64 * 1024;

/** Bytes of an answer that nobody wants, which are read so that its connection can be kept. */
const longestDeclined = 64 * 1024;

/** Attempts on undici: one pool of kept connections per address. */
export function createUndiciAttempts(): Attempts {
  const pools = new Map<string, Pool>();

  const poolOf = (backend: Backend, url: string): Pool => {
    const key = poolKey(backend, url);
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new Pool(url, connectionSettings(backend));
      pools.set(key, pool);
    }
    return pool;
  };

  return {
    attempt(attempt) {
      const { backend, url } = attempt;
      if (!attempt.fresh) return send(poolOf(backend, url), attempt);
      const client = new Client(url, connectionSettings(backend));
      return send(client, attempt).finally(() => void client.destroy());
    },
    retain(backends) {
      const kept = new Set<string>();
      for (const backend of backends) for (const url of backend.urls) kept.add(poolKey(backend, url));
      for (const [key, pool] of pools) {
        if (kept.has(key)) continue;
        pools.delete(key);
        void pool.close();
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

function poolKey(backend: Backend, url: string): string {
  return `${url} ${backend.timeouts.connect}`;
}

function connectionSettings(backend: Backend): Client.Options {
  return {
    pipelining: 1,
    connect: connector(backend),
    maxHeaderSize: longestHead,
    // Time-outs are kept here, to the moment.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

/** Errors of connections on which an answer had come before. undici itself says so of some errors only. */
const ofReused = new WeakSet<Error>();

function connector(backend: Backend): buildConnector.connector {
  const connect = buildConnector({ timeout: backend.timeouts.connect, allowH2: false });
  return (options, callback) => {
    const tell = callback as (error: Error | null, socket: Socket | null) => void;
    const told: typeof tell = (error, socket) => {
      socket?.prependListener('error', (broken) => {
        if (socket.bytesRead > 0) ofReused.add(broken);
      });
      tell(error, socket);
    };
    connect(options, told as typeof callback);
  };
}

function wasReused(error: Error): boolean {
  if (ofReused.has(error)) return true;
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0;
}

function send(dispatcher: Dispatcher, attempt: Attempt): Promise<AttemptResult> {
  return new Promise((resolve) => {
    const sending = new Sending(attempt, resolve);
    if (attempt.response.destroyed) {
      sending.clientGone();
      return;
    }
    const options: Dispatcher.DispatchOptions = {
      method: attempt.method,
      path: attempt.path,
      headers: attempt.headers,
      // undici's types leave out the async iterables that it takes.
      body: sending.body as unknown as null,
      servername: certifiedName(attempt),
    } as Dispatcher.DispatchOptions;
    dispatcher.dispatch(options, sending);
  });
}

/** Whose turn it is, and so whose time runs. */
type Phase =
  | 'connecting'
  /** The backend has the request, or a piece of it, and is to do something with it. */
  | 'asked'
  /** The client is to send the next piece of its body, which is timed there. */
  | 'client sends'
  | 'answering'
  /** The client does not take the answer as fast as it comes. */
  | 'stalled'
  /** Nobody wants the answer. */
  | 'declined';

/** One attempt: what undici tells of the backend's answer goes to the client, and back-pressure to the backend. */
class Sending implements Dispatcher.DispatchHandler {
  readonly body: BodyPieces | null;
  readonly #attempt: Attempt;
  readonly #response: ServerResponse;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #deadline = new Deadline(() => this.#late());
  #phase: Phase = 'connecting';
  #controller: Dispatcher.DispatchController | undefined;
  /** Why the facade itself gave up. */
  #givenUp: UpstreamFailure | undefined;
  /** 0 until the head of the answer is there. */
  #status = 0;
  #bodyBegun = false;
  #declinedLength = 0;

  constructor(attempt: Attempt, resolve: (result: AttemptResult) => void) {
    this.#attempt = attempt;
    this.#response = attempt.response;
    this.#resolve = resolve;
    this.body = attempt.body?.pieces(this.#clientsTurn, this.#backendsTurn) ?? null;
    attempt.response.on('close', this.clientGone);
    attempt.response.on('drain', this.#drained);
    this.#deadline.set(attempt.backend.timeouts.connect);
  }

  readonly clientGone = (): void => {
    if (this.#response.writableFinished) return;
    this.#giveUp(new UpstreamFailure('client_gone', 'the client went away before the answer was complete'));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#givenUp !== undefined) {
      controller.abort(this.#givenUp);
      return;
    }
    this.#phase = 'asked';
    this.#deadline.set(this.#attempt.backend.timeouts.request);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _: unknown,
    statusMessage?: string,
  ): void {
    const raw = (controller.rawHeaders ?? []) as readonly (Buffer | string)[];
    const response = this.#response;
    const reason = reasonPhrase(status, statusMessage);
    if (status < 200) {
      sendInterim(response, status, reason, raw);
      return;
    }
    const { answerHeaders, rewriteAnswer, method, tap, watcher, backend } = this.#attempt;
    if (!watcher.head(status, raw)) {
      this.#decline(controller, status);
      return;
    }
    this.#status = status;
    this.#phase = 'answering';
    this.#deadline.set(backend.timeouts.idle);
    const headers = responseHeaders(raw, {
      own: answerHeaders,
      rewrite: rewriteAnswer,
      status,
      trailers: method !== 'HEAD' && status !== 304 && status !== 204 && response.req.httpVersion === '1.1',
    });
    tap?.head(status, headers.slice(0, headers.length - 2 * answerHeaders.length));
    response.writeHead(status, reason, headers);
    // Body bytes that came along with the head go out with it; a head that came alone does not wait for them.
    process.nextTick(this.#flushHead);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'declined') {
      this.#declinedLength += chunk.length;
      if (this.#declinedLength > longestDeclined) controller.abort(notWanted());
      return;
    }
    this.#bodyBegun = true;
    this.#attempt.tap?.data(chunk);
    if (!this.#response.write(chunk)) {
      controller.pause();
      this.#phase = 'stalled';
    }
    this.#deadline.set(this.#attempt.backend.timeouts.idle);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#phase === 'declined') {
      this.#deadline.clear();
      return;
    }
    this.#bodyBegun = true;
    const trailers = (controller.rawTrailers ?? []) as readonly (Buffer | string)[];
    if (trailers.length > 0) addTrailers(this.#response, trailers);
    this.#response.end();
    this.#settle({ kind: 'answered', status: this.#status });
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#phase === 'declined') {
      this.#deadline.clear();
      return;
    }
    const failure = this.#givenUp ?? upstreamFailure(error);
    if (this.#status !== 0) {
      cutAnswer(this.#response);
      this.#settle({ kind: 'broken', status: this.#status, failure });
      return;
    }
    const sent = this.#controller !== undefined;
    this.#settle({ kind: 'failed', failure, sent, reused: wasReused(error) });
  }

  readonly #clientsTurn = (): void => {
    if (this.#phase !== 'asked') return;
    this.#phase = 'client sends';
    this.#deadline.clear();
  };

  readonly #backendsTurn = (): void => {
    const { request, idle } = this.#attempt.backend.timeouts;
    if (this.#phase === 'client sends') {
      this.#phase = 'asked';
      this.#deadline.set(request);
    } else if (this.#phase === 'answering') this.#deadline.set(idle);
  };

  /** Whoever's turn it is has taken too long. */
  #late(): void {
    if (this.#phase === 'declined') this.#controller?.abort(notWanted());
    else this.#giveUp(tooLate(this.#phase, this.#attempt.backend.timeouts));
  }

  #giveUp(failure: UpstreamFailure): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = failure;
    this.#controller?.abort(failure);
    // Not started: it waits for a connection, and nobody else does.
    if (this.#controller === undefined) {
      this.#settle({ kind: 'failed', failure, sent: false, reused: false });
    }
  }

  /** Another answer is on its way to the client; this one is read to its end if that is near. */
  #decline(controller: Dispatcher.DispatchController, status: number): void {
    const uploading = this.body !== null && !this.body.ended;
    this.#settle({ kind: 'declined', status });
    this.#phase = 'declined';
    this.#deadline.set(this.#attempt.backend.timeouts.idle);
    // Its end would be written as if the body were whole.
    if (uploading) controller.abort(notWanted());
  }

  readonly #flushHead = (): void => {
    if (!this.#bodyBegun && !this.#response.destroyed) flushHead(this.#response);
  };

  readonly #drained = (): void => {
    if (this.#phase !== 'stalled') return;
    this.#phase = 'answering';
    this.#deadline.set(this.#attempt.backend.timeouts.idle);
    this.#controller?.resume();
  };

  #settle(result: AttemptResult): void {
    this.#deadline.clear();
    this.#response.off('close', this.clientGone);
    this.#response.off('drain', this.#drained);
    this.body?.stop();
    this.#resolve(result);
  }
}

function tooLate(phase: Phase, { connect, request, idle }: Timeouts): UpstreamFailure {
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

function notWanted(): Error {
  return new Error('another backend answers');
}

/** undici reads the reason as UTF-8, while any byte may stand there. */
function reasonPhrase(status: number, read: string | undefined): string {
  if (read === undefined || !/[^\t\x20-\x7e]/.test(read)) return read ?? '';
  return read.includes('\ufffd') ? (STATUS_CODES[status] ?? '') : Buffer.from(read).toString('latin1');
}
