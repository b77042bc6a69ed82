import { type Dispatcher, Pool } from 'undici';
import type { Backend } from '../routes/model.ts';
import type { Forwarder, Forwarding, ForwardingResult } from './forwarder.ts';
import { hasBody, requestBody } from './request-body.ts';
import { responseHeaders } from './response-headers.ts';
import { UpstreamFailure, upstreamFailure } from './upstream-failure.ts';

/** Methods that may be sent again when a kept connection turns out to be closed (RFC 9110, 9.2.1). */
const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A forwarder on undici: one pool of kept connections per backend address. */
export function createUndiciForwarder(): Forwarder {
  const pools = new Map<string, Pool>();

  const poolOf = (backend: Backend): Pool => {
    const key = poolKey(backend);
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new Pool(backend.url, {
        pipelining: 1,
        connect: { timeout: backend.timeouts.connect },
        // Head and body time-outs are per request, see below.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      pools.set(key, pool);
    }
    return pool;
  };

  return {
    async forward(forwarding) {
      const pool = poolOf(forwarding.backend);
      const first = await forwardOnce(pool, forwarding);
      // The backend may close a kept connection just as it is used again: the request was then never read.
      // That cannot be told from a crash in the middle of it, so only what is safe to repeat is repeated.
      const again =
        first.kind === 'failed' &&
        first.failure.kind === 'reset' &&
        safe.has(forwarding.method) &&
        !hasBody(forwarding.request);
      return again ? forwardOnce(pool, forwarding) : first;
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

function forwardOnce(pool: Pool, forwarding: Forwarding): Promise<ForwardingResult> {
  const { backend, request, response } = forwarding;
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let clientGone: UpstreamFailure | undefined;
    let status = 0;

    const onClientClose = () => {
      if (response.writableFinished) return;
      clientGone = new UpstreamFailure('client_gone', 'the client went away before the answer was complete');
      controller?.abort(clientGone);
    };
    const onDrain = () => controller?.resume();
    const settle = (result: ForwardingResult) => {
      response.off('close', onClientClose);
      response.off('drain', onDrain);
      resolve(result);
    };
    response.on('close', onClientClose);
    response.on('drain', onDrain);

    const options: Dispatcher.DispatchOptions = {
      method: forwarding.method,
      path: forwarding.path,
      headers: forwarding.headers,
      // undici's types leave out the async iterables that it takes.
      body: hasBody(request) ? (requestBody(request, backend.timeouts.idle) as unknown as null) : null,
      headersTimeout: backend.timeouts.request,
      bodyTimeout: backend.timeouts.idle,
    };
    pool.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (clientGone !== undefined) started.abort(clientGone);
      },
      onResponseStart(started, statusCode, headers, statusMessage) {
        if (statusCode < 200) {
          if (statusCode === 103 && headers.link !== undefined) {
            response.writeEarlyHints({ link: headers.link });
          }
          return;
        }
        status = statusCode;
        const raw = (started.rawHeaders ?? []) as readonly (Buffer | string)[];
        const answer = responseHeaders(raw, forwarding.answerHeaders);
        forwarding.tap?.head(statusCode, answer);
        response.writeHead(statusCode, statusMessage ?? '', answer);
        response.flushHeaders();
      },
      onResponseData(started, chunk) {
        forwarding.tap?.data(chunk);
        if (!response.write(chunk)) started.pause();
      },
      onResponseEnd(_, trailers) {
        if (Object.keys(trailers).length > 0) addTrailers(forwarding, trailers);
        response.end();
        settle({ kind: 'answered', status });
      },
      onResponseError(_, error) {
        const failure = clientGone ?? upstreamFailure(error);
        if (status === 0) return settle({ kind: 'failed', failure });
        // A cut connection is the only way to tell the client that the answer is incomplete.
        response.destroy();
        settle({ kind: 'broken', status, failure });
      },
    });
  });
}

/** Trailers need a chunked answer; where the client's connection has none, they are dropped (RFC 9110, 6.5.1). */
function addTrailers(forwarding: Forwarding, trailers: Record<string, string | string[] | undefined>): void {
  const { response } = forwarding;
  if (!response.chunkedEncoding) return;
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(trailers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) pairs.push([name, one]);
  }
  response.addTrailers(pairs);
}
