import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Failure } from '@strangler-fig/kernel/failure';
import { createLog, type Logger } from '@strangler-fig/kernel/log';
import type { JSONWebKeySet } from 'jose';
import { CacheMetrics } from '../cache/cache-metrics.ts';
import { CachingForwarder } from '../cache/caching-forwarder.ts';
import { CacheStore } from '../cache/store.ts';
import { Shadow } from '../compare/shadow.ts';
import { corsGate } from '../cors/cors.ts';
import { exchange } from '../exchange/http.ts';
import { knownCaller } from '../exchange/known-caller.ts';
import type { Steps } from '../exchange/steps.ts';
import { exchangeWebSocket } from '../exchange/websocket.ts';
import { WebSocketForwarder } from '../forward/websocket.ts';
import { anonymous, type Caller } from '../identify/caller.ts';
import { Identifier } from '../identify/identify.ts';
import { identityRecord } from '../identify/record.ts';
import { Limits } from '../limit/limits.ts';
import { isWebSocketHandshake } from '../receive/server.ts';
import { FacadeMetrics } from '../record/metrics.ts';
import { Record as Records } from '../record/record.ts';
import { RouteCounter } from '../record/route-counts.ts';
import { BackendStates } from '../resilience/backend-state.ts';
import { ResilienceRecord } from '../resilience/record.ts';
import { ResilientForwarder } from '../resilience/resilient-forwarder.ts';
import { loadRoutesSync } from '../routes/load.ts';
import type { RouteTable } from '../routes/model.ts';
import { followRoutes } from '../routes/watch.ts';
import { RequestValidator } from '../validate/request-validator.ts';
import { ValidationRecord } from '../validate/validation-record.ts';
import { AppAttempts, type Next } from './app-attempts.ts';
import { declineUpgrade } from './decline-upgrade.ts';
import { forApplication } from './own-table.ts';
import { bodyLeft, isBodyRead } from './parsed-body.ts';
import { continueSent, receivedByApp } from './received-by-app.ts';

export interface StranglerOptions {
  /** Path of routes.yaml; it is watched for edits. */
  readonly routes: string;
  /** Which of its backends this application is. Default `monolith`. */
  readonly self?: string;
  /**
   * Whether the application's own handlers answer when a service fails before anything was sent to the client: if
   * nothing of the request reached the service, or the method is idempotent; and if the body is still unread, or
   * was parsed before. For routes without a `fallback` of their own. Default: on all but those that write a group's
   * data, because one side owns it.
   */
  readonly fallback?: boolean;
  /**
   * Who makes a request, for routes with `auth: session`; nothing for a visitor who is not logged in. Default:
   * the session's endpoint in routes.yaml is asked over HTTP. An error goes to the application's error handlers.
   * Also asked for WebSocket handshakes, which no middleware has seen.
   */
  identify?(request: IncomingMessage): MaybeKnown | Promise<MaybeKnown>;
  /**
   * What `${NAME}` in routes.yaml is replaced from, and where REDIS_URL is looked for, at which rate limits are counted
   * for several processes together. Default process.env.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A pino logger, for requests, reloads and failures. Default: nothing is logged, a bad edit of routes.yaml included. */
  readonly log?: Logger;
}

/** A user of the application. */
export interface Known {
  readonly userId: string | number;
  readonly role?: string | undefined;
}

type MaybeKnown = Known | null | undefined;

/** Middleware for Express 4 and 5, or whatever calls its handlers with `(request, response, next)`. */
export interface Strangler {
  (request: IncomingMessage, response: ServerResponse, next: Next): void;
  /**
   * Forwards a WebSocket handshake whose route goes to a service, and refuses a malformed one. False where the route
   * goes to the application: nothing was done, and whoever calls it has to. An upgrade to anything else is declined:
   * the server gets the request again, without the wish.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** The table in force, with what is the application's. */
  table(): RouteTable;
  /** The public keys by which services recognise the identities that are signed here: a JWKS, for a path of yours. */
  identityKeys(): JSONWebKeySet;
  /** Prometheus metrics, as text. */
  metrics(): Promise<string>;
  /**
   * Ends WebSockets, waits for requests under way at services for at most `deadline` milliseconds (default 8,000),
   * then cuts them and lets go of all connections and files. For use beside `server.close()`.
   */
  close(deadline?: number): Promise<void>;
}

/**
 * The facade within an application: forwards what routes.yaml gives to services, and hands the rest on to the
 * application's own handlers.
 * @throws RoutesInvalid where routes.yaml is not valid; Failure `self_unknown` where it does not have the application,
 *   `identity_keys_unusable` where the keys that it names are not, `redis_url_invalid`.
 */
export function strangler(options: StranglerOptions): Strangler {
  const { self = 'monolith', env = process.env } = options;
  const log = options.log ?? createLog('strangler', { level: 'silent' });
  const own = { self, fallback: options.fallback, asksItself: options.identify === undefined };
  const loaded = loadRoutesSync(options.routes, { env });
  let table = forApplication(loaded, own);

  const attempts = new AppAttempts(self);
  const counter = new RouteCounter();
  const metrics = new FacadeMetrics(
    {
      openWebSockets: () => webSockets.open,
      inFlight: () => attempts.underWay,
      loadedAt: () => table.loadedAt,
      comparedBytes: () => 0,
      loopLag: () => 0,
    },
    counter,
  );
  const limits = new Limits(log, metrics.registry, env);
  const resilience = new ResilienceRecord(log, metrics.registry, () => states);
  const states = new BackendStates(resilience);
  const forwarder = new ResilientForwarder(attempts, states, resilience);
  const cached = new CacheStore(
    () => table.cacheMemory,
    () => cacheMetrics.evicted(),
  );
  const cacheMetrics = new CacheMetrics(metrics.registry, () => cached);
  const cache = new CachingForwarder(forwarder, cached, cacheMetrics, ({ name }) => name === self);
  const webSockets = new WebSocketForwarder(states);
  const identifier = new Identifier({
    identify: options.identify && identifiedBy(options.identify),
    ...identityRecord(log, metrics.registry),
  });
  identifier.prepare(table);
  const steps: Steps = {
    table: () => table,
    received: receivedByApp,
    gates: [limits.addresses, corsGate(self), limits.rates, knownCaller, limits.bodies],
    validator: new RequestValidator(new ValidationRecord(log, metrics.registry), {
      own: self,
      bodyRead: (request) => (isBodyRead(request) ? bytesOf(request) : undefined),
    }),
    identifier,
    forwarder,
    cache,
    webSockets,
    shadow: new Shadow([], { overloaded: () => true, onDefect() {} }),
    record: new Records(log, metrics, counter, () => table.accessLog),
  };

  const inForce = (next: RouteTable) => {
    table = next;
    identifier.follow(next);
    forwarder.retain(next.backends.values());
    limits.inForce(next.routes);
    metrics.tableValid.set(1);
  };
  const invalid = (error: Failure) => {
    metrics.tableValid.set(0);
    metrics.reloads.inc({ result: 'invalid' });
    const entry = { code: error.code, problems: error.message };
    log.error(entry, 'routes.yaml is not valid; the last good one stays');
  };
  inForce(table);
  const following = followRoutes(options.routes, loaded, {
    env,
    onTable(read) {
      try {
        inForce(forApplication(read, own, table));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        invalid(error);
        return;
      }
      metrics.reloads.inc({ result: 'valid' });
      log.info({ digest: table.digest.slice(0, 12), routes: table.routes.length }, 'routes.yaml is in force');
    },
    onInvalid: invalid,
  });

  const middleware = (request: IncomingMessage, response: ServerResponse, next: Next): void => {
    if (!attempts.admit(request, next)) {
      next();
      return;
    }
    // What has been met is asked for no more.
    if (continueSent(request)) delete request.headers.expect;
    exchange(steps, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else next(error);
    });
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
    if (!isWebSocketHandshake(request)) {
      declineUpgrade(request, socket, head);
      return true;
    }
    let taken = true;
    const leave = ({ name }: { readonly name: string }) => {
      taken = name !== self;
      return !taken;
    };
    exchangeWebSocket(steps, request, socket, head, leave).catch((error: unknown) => {
      log.error({ err: error }, 'a WebSocket handshake failed');
      socket.destroy();
    });
    return taken;
  };
  let closed: Promise<void> | undefined;
  const close = async (deadline: number) => {
    webSockets.drain();
    await (await following).close();
    await attempts.drained(deadline);
    webSockets.close();
    await Promise.all([identifier.close(), forwarder.close(), steps.shadow.close(), limits.close()]);
  };
  return Object.assign(middleware, {
    upgrade,
    table: () => table,
    metrics: () => metrics.registry.metrics(),
    identityKeys: () => identifier.publishedKeys(table),
    close(deadline = 8_000) {
      closed ??= close(deadline);
      return closed;
    },
  });
}

/** What the application has made of a body says the same; what it has not kept is for the forwarder to refuse. */
function bytesOf(request: IncomingMessage): Buffer {
  const left = bodyLeft(request);
  return left.kind === 'bytes' ? left.bytes : Buffer.alloc(0);
}

function identifiedBy(identify: NonNullable<StranglerOptions['identify']>) {
  return async (request: IncomingMessage): Promise<Caller> => {
    const known = await identify(request);
    return known ? { userId: String(known.userId), role: known.role } : anonymous;
  };
}
