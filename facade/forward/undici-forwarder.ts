import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { Client, type Dispatcher, Pool } from 'undici';
import type { Backend } from '../routes/model.ts';
import { certifiedName } from './certified-name.ts';
import type { Forwarder, Forwarding, ForwardingResult } from './forwarder.ts';
import { sendInterim } from './interim-answer.ts';
import { hasBody, RequestBody } from './request-body.ts';
import { latin1, responseHeaders } from './response-headers.ts';
import { UpstreamFailure, upstreamFailure } from './upstream-failure.ts';

/** Methods that may be sent again when a kept connection turns out to be closed (RFC 9110, 9.2.1). */
const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Bytes of an answer's head. */
const longestHead = 64 * 1024;

/** A forwarder on undici: one pool of kept connections per backend address. */
export function createUndiciForwarder(): Forwarder {
  const pools = new Map<string, Pool>();

  const poolOf = (backend: Backend): Pool => {
    const key = poolKey(backend);
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new Pool(backend.url, connectionSettings(backend));
      pools.set(key, pool);
    }
    return pool;
  };

  return {
    async forward(forwarding) {
      const first = await forwardOnce(poolOf(forwarding.backend), forwarding);
      // The backend may close a kept connection just as it is used again: the request was then never read.
      // That cannot be told from a crash in the middle of it, so only what is safe to repeat is repeated, and
      // on a new connection, because the other kept ones may be as stale.
      const again =
        first.kind === 'failed' &&
        first.failure.kind === 'reset' &&
        safe.has(forwarding.method) &&
        !hasBody(forwarding.request);
      if (!again) return first;
      const fresh = new Client(forwarding.backend.url, connectionSettings(forwarding.backend));
      try {
        return await forwardOnce(fresh, forwarding);
      } finally {
        void fresh.destroy();
      }
    },
    retain(backends) {
      const kept = new Set([...backends].map(poolKey));
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

function poolKey(backend: Backend): string {
  return `${backend.url} ${backend.timeouts.connect}`;
}

function connectionSettings(backend: Backend): Client.Options {
  return {
    pipelining: 1,
    connect: { timeout: backend.timeouts.connect },
    maxHeaderSize: longestHead,
    allowH2: false,
  };
}

function forwardOnce(dispatcher: Dispatcher, forwarding: Forwarding): Promise<ForwardingResult> {
  return new Promise((resolve) => {
    const once = new OneForwarding(forwarding, resolve);
    const { backend, response } = forwarding;
    const options: Dispatcher.DispatchOptions = {
      method: forwarding.method,
      path: forwarding.path,
      headers: forwarding.headers,
      // undici's types leave out the async iterables that it takes.
      body: once.body as unknown as null,
      headersTimeout: backend.timeouts.request,
      bodyTimeout: backend.timeouts.idle,
      servername: certifiedName(backend),
    } as Dispatcher.DispatchOptions;
    if (response.destroyed) once.clientGone();
    else dispatcher.dispatch(options, once);
  });
}

/** One attempt: what undici tells of the backend's answer goes to the client, and back-pressure to the backend. */
class OneForwarding implements Dispatcher.DispatchHandler {
  readonly body: RequestBody | null;
  readonly #forwarding: Forwarding;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #resolve: (result: ForwardingResult) => void;
  #controller: Dispatcher.DispatchController | undefined;
  /** Why the facade itself gave up. */
  #givenUp: UpstreamFailure | undefined;
  /** 0 until the head of the answer is there. */
  #status = 0;
  #bodyBegun = false;
  #stalled: NodeJS.Timeout | undefined;

  constructor(forwarding: Forwarding, resolve: (result: ForwardingResult) => void) {
    this.#forwarding = forwarding;
    this.#request = forwarding.request;
    this.#response = forwarding.response;
    this.#resolve = resolve;
    const { request, response, backend } = forwarding;
    this.body = hasBody(request) ? new RequestBody(request, response, backend.timeouts.idle) : null;
    response.on('close', this.clientGone);
    response.on('drain', this.#drained);
  }

  readonly clientGone = (): void => {
    if (this.#response.writableFinished) return;
    this.#giveUp(new UpstreamFailure('client_gone', 'the client went away before the answer was complete'));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#givenUp !== undefined) controller.abort(this.#givenUp);
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
    this.#status = status;
    const { answerHeaders, method, tap } = this.#forwarding;
    const headers = responseHeaders(raw, {
      own: answerHeaders,
      status,
      trailers: method !== 'HEAD' && status !== 304 && status !== 204 && response.req.httpVersion === '1.1',
    });
    tap?.head(status, headers);
    response.writeHead(status, reason, headers);
    // Body bytes that came along with the head go out with it; a head that came alone does not wait for them.
    process.nextTick(this.#flushHead);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBegun = true;
    this.#forwarding.tap?.data(chunk);
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#stalled ??= setTimeout(() => {
      const idle = this.#forwarding.backend.timeouts.idle;
      this.#giveUp(new UpstreamFailure('client_slow', `the client took nothing for ${idle} ms`));
    }, this.#forwarding.backend.timeouts.idle);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#bodyBegun = true;
    const trailers = (controller.rawTrailers ?? []) as readonly (Buffer | string)[];
    if (trailers.length > 0) addTrailers(this.#response, trailers);
    this.#response.end();
    this.#settle({ kind: 'answered', status: this.#status });
  }

  onResponseError(_: unknown, error: Error): void {
    const failure = this.#givenUp ?? upstreamFailure(error);
    if (this.#status === 0) this.#settle({ kind: 'failed', failure });
    else {
      cutAnswer(this.#request, this.#response);
      this.#settle({ kind: 'broken', status: this.#status, failure });
    }
  }

  #giveUp(failure: UpstreamFailure): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = failure;
    this.#controller?.abort(failure);
    // Not started: it waits for a connection, and nobody else does.
    if (this.#controller === undefined) this.#settle({ kind: 'failed', failure });
  }

  readonly #flushHead = (): void => {
    if (!this.#bodyBegun && !this.#response.destroyed) this.#response.flushHeaders();
  };

  readonly #drained = (): void => {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#controller?.resume();
  };

  #settle(result: ForwardingResult): void {
    clearTimeout(this.#stalled);
    this.#response.off('close', this.clientGone);
    this.#response.off('drain', this.#drained);
    this.body?.stop();
    this.#resolve(result);
  }
}

/**
 * Tells the client that its answer is incomplete, by cutting the connection. Where only the end of the connection
 * marks the end of the body, as for HTTP/1.0, nothing but a reset says so.
 */
function cutAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersion === '1.0') request.socket.resetAndDestroy();
  else response.destroy();
}

/** undici reads the reason as UTF-8, while any byte may stand there. */
function reasonPhrase(status: number, read: string | undefined): string {
  if (read === undefined || !/[^\t\x20-\x7e]/.test(read)) return read ?? '';
  return read.includes('\ufffd') ? (STATUS_CODES[status] ?? '') : Buffer.from(read).toString('latin1');
}

/** Trailers need a chunked answer; where the client's connection has none, they are dropped (RFC 9110, 6.5.1). */
function addTrailers(response: ServerResponse, raw: readonly (Buffer | string)[]): void {
  if (!response.chunkedEncoding) return;
  const pairs: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    pairs.push([latin1(raw[index]), latin1(raw[index + 1])]);
  }
  response.addTrailers(pairs);
}
