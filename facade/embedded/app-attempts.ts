import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import { createProxyMiddleware } from 'http-proxy-middleware';
import type { Attempt, AttemptResult, Attempts } from '../forward/attempt.ts';
import { certifiedName } from '../forward/certified-name.ts';
import { UpstreamFailure } from '../forward/upstream-failure.ts';
import type { Backend } from '../routes/model.ts';
import { Connections } from './connections.ts';
import { bodyLeft, describing, isBodyRead } from './parsed-body.ts';
import { ProxiedAttempt } from './proxied-attempt.ts';
import type { RelayedRequest, RelayedResponse } from './relayed.ts';

/** Hands a request on to the application's own handlers, or an error to its error handlers. */
export type Next = (error?: unknown) => void;

/** A request within the application. */
interface Visit {
  readonly next: Next;
  /** The application has read the body before it came here. */
  readonly bodyRead: boolean;
}

/** Bytes of an answer's head. */
const longestHead = 64 * 1024;

/**
 * Attempts within an application: what goes to the application itself is handed on to its own handlers, everything
 * else goes to a service by http-proxy-middleware. There is one instance of the library for all routes and reloads,
 * because each leaves listeners on the server (chimurai/http-proxy-middleware#909). Its plugins are ejected: their
 * answers to errors would go out before anybody can fall back.
 */
export class AppAttempts implements Attempts {
  readonly #self: string;
  readonly #connections = new Connections();
  readonly #visits = new WeakMap<IncomingMessage, Visit>();
  readonly #underWay = new Set<ProxiedAttempt>();
  #idle = Promise.withResolvers<void>();

  readonly #proxy = createProxyMiddleware<RelayedRequest<ProxiedAttempt>, RelayedResponse<ProxiedAttempt>>({
    target: 'http://target-is-chosen-by-router.invalid',
    router: ({ relay: { attempt, body } }, _, options) => {
      const { url, fresh } = attempt;
      options.buffer = body;
      options.agent = fresh ? this.#connections.newTo(url) : this.#connections.to(url);
      // What the library takes for settings of TLS is what the outgoing request's options begin with.
      options.ssl = { maxHeaderSize: longestHead, servername: certifiedName({ url }) };
      return url;
    },
    pathRewrite: (_, { relay }) => relay.attempt.path,
    changeOrigin: false,
    xfwd: false,
    selfHandleResponse: true,
    ejectPlugins: true,
    plugins: [
      (events) => {
        events.on('proxyReq', (outgoing, { relay }) => relay.starts(outgoing));
        events.on('proxyRes', (answer, { relay }) => relay.answers(answer));
        events.on('econnreset', (error, { relay }) => relay.fails(error));
        events.on('error', (error, request) => request?.relay.fails(error));
      },
    ],
  });

  /** @param self the name by which routes.yaml knows the application. */
  constructor(self: string) {
    this.#self = self;
  }

  /** False where the request came here before, so that it is the application's own by now. */
  admit(request: IncomingMessage, next: Next): boolean {
    if (this.#visits.has(request)) return false;
    this.#visits.set(request, { next, bodyRead: isBodyRead(request) });
    return true;
  }

  attempt(attempt: Attempt): Promise<AttemptResult> {
    const visit = this.#visits.get(attempt.response.req);
    if (visit === undefined) throw new Error('The request was not admitted.');
    return attempt.backend.name === this.#self ? handOn(attempt, visit) : this.#send(attempt, visit);
  }

  retain(backends: Iterable<Backend>): void {
    this.#connections.retain(backends);
  }

  /** Requests at services now. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Waits until no request is at a service, at most for `deadline` milliseconds. */
  async drained(deadline: number): Promise<void> {
    if (this.#underWay.size === 0) return;
    this.#idle = Promise.withResolvers();
    const cut = setTimeout(this.#idle.resolve, deadline);
    await this.#idle.promise;
    clearTimeout(cut);
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    this.#connections.close();
  }

  async #send(attempt: Attempt, { bodyRead }: Visit): Promise<AttemptResult> {
    const { headers, response } = attempt;
    if (response.destroyed) return notSent('client_gone', 'the client has gone');
    if (!bodyRead) return this.#proxied(new ProxiedAttempt(attempt, undefined));
    const left = bodyLeft(response.req);
    if (left.kind === 'lost') {
      const problem = bodyLost(attempt.backend.name);
      sendProblem(response, problem);
      return { kind: 'answered', status: problem.status };
    }
    const bytes = left.kind === 'bytes' ? left.bytes : undefined;
    const changed = { ...attempt, headers: describing(left, headers), body: undefined };
    return this.#proxied(new ProxiedAttempt(changed, bytes));
  }

  async #proxied(proxied: ProxiedAttempt): Promise<AttemptResult> {
    this.#underWay.add(proxied);
    // It resolves when the attempt is over, and tells failures as events.
    void this.#proxy(proxied.relayed, proxied.relayedResponse, (error) => proxied.fails(error));
    const result = await proxied.result;
    this.#underWay.delete(proxied);
    if (this.#underWay.size === 0) this.#idle.resolve();
    return result;
  }
}

async function handOn(attempt: Attempt, { next, bodyRead }: Visit): Promise<AttemptResult> {
  const { response, answerHeaders } = attempt;
  if (response.destroyed) return notSent('client_gone', 'the client has gone');
  if (!bodyRead && isBodyRead(response.req)) {
    return notSent('unavailable', 'the application cannot read a body that was sent to a service');
  }
  for (const [name, value] of answerHeaders) {
    if (name === 'set-cookie') response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  const closed = new Promise((resolve) => response.once('close', resolve));
  next();
  await closed;
  return answeredByApp(response);
}

function answeredByApp(response: ServerResponse): AttemptResult {
  const { statusCode: status } = response;
  if (response.writableFinished) return { kind: 'answered', status };
  const failure = new UpstreamFailure('client_gone', 'the client went away before the answer was complete');
  if (response.headersSent) return { kind: 'broken', status, failure };
  return { kind: 'failed', failure, sent: true, reused: false };
}

function notSent(kind: 'client_gone' | 'unavailable', message: string): AttemptResult {
  return { kind: 'failed', failure: new UpstreamFailure(kind, message), sent: false, reused: false };
}

function bodyLost(backend: string): Problem {
  return {
    status: 500,
    code: 'body_already_read',
    title: 'The request cannot be forwarded',
    detail: 'Something in the application has read the body and not kept it. Mount strangler() before it.',
    backend,
  };
}
