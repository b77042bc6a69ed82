import { listen } from '@strangler-fig/kernel/listen';
import type { Logger } from '@strangler-fig/kernel/log';
import { backendHealth } from './admin/backend-health.ts';
import { routesReport } from './admin/routes-report.ts';
import { createAdminServer } from './admin/server.ts';
import { CacheMetrics } from './cache/cache-metrics.ts';
import { CachingForwarder } from './cache/caching-forwarder.ts';
import { CacheStore } from './cache/store.ts';
import { CountingRecorder } from './compare/counting-recorder.ts';
import type { Recorder } from './compare/recorder.ts';
import { Shadow } from './compare/shadow.ts';
import { corsGate } from './cors/cors.ts';
import { exchange } from './exchange/http.ts';
import { knownCaller } from './exchange/known-caller.ts';
import type { Steps } from './exchange/steps.ts';
import { exchangeWebSocket } from './exchange/websocket.ts';
import { createUpstreamAttempts } from './forward/upstream/attempts.ts';
import { WebSocketForwarder } from './forward/websocket.ts';
import { Identifier } from './identify/identify.ts';
import { identityRecord } from './identify/record.ts';
import { Limits } from './limit/limits.ts';
import { receivedByServer } from './receive/received.ts';
import { createReceivingServer, type Receiver } from './receive/server.ts';
import { certificateRecord } from './receive/tls/record.ts';
import { redirectGate } from './receive/tls/redirect.ts';
import { followTls, type SecureReceiving, startSecureReceiving } from './receive/tls/secure-receiving.ts';
import { LoopLag } from './record/loop-lag.ts';
import { FacadeMetrics } from './record/metrics.ts';
import { Record as Records } from './record/record.ts';
import { RouteCounter } from './record/route-counts.ts';
import { spansFromEnvironment } from './record/spans.ts';
import { BackendStates } from './resilience/backend-state.ts';
import { drain } from './resilience/drain.ts';
import { ResilienceRecord } from './resilience/record.ts';
import { ResilientForwarder } from './resilience/resilient-forwarder.ts';
import { shed, shedHandshake } from './resilience/shed.ts';
import type { Backend, RouteTable } from './routes/model.ts';
import { watchRoutes } from './routes/watch.ts';
import { RequestValidator } from './validate/request-validator.ts';
import { ValidationRecord } from './validate/validation-record.ts';

export interface FacadeOptions {
  /** Path of routes.yaml; it is watched for edits. */
  readonly routesFile: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Where clients send their requests; 0 takes any free port. */
  readonly port: number;
  /** Where clients come with TLS, if routes.yaml has `tls`; 0 takes any free port. Default 8443. */
  readonly tlsPort?: number;
  /** Where health, metrics and the route report are; 0 takes any free port. */
  readonly adminPort: number;
  /** What `${NAME}` in routes.yaml is replaced from, and where REDIS_URL is looked for. Default process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Gets every comparison too, besides the counts that `/api/routes` shows. Default: nobody does. */
  readonly recorder?: Recorder;
  /** Names of the settings that change the ports, for messages. Default FACADE_PORT and FACADE_ADMIN_PORT. */
  readonly portSettings?: { readonly port: string; readonly adminPort: string };
}

/** Milliseconds by which the event loop may be late before comparisons make room for the clients' own traffic. */
const lagThatSheds = 200;

/** Milliseconds of the end that are kept for what a collector has not been sent yet. */
const longestFlush = 1_000;

/** A running facade. */
export interface Facade {
  readonly port: number;
  /** Undefined where routes.yaml has no `tls`. */
  readonly tlsPort: number | undefined;
  readonly adminPort: number;
  /** The table in force. */
  table(): RouteTable;
  /** Resolves when all answered requests that had a `compare` are recorded. */
  comparisonsSettled(): Promise<void>;
  /**
   * Stops in good order: not ready any more, no new connections, requests in flight finish within `deadline`
   * milliseconds (default 8,000), then whatever is left is cut.
   */
  close(deadline?: number): Promise<void>;
}

/**
 * Starts a facade.
 * @throws RoutesInvalid where routes.yaml is not valid, or its certificates are not; Failure where a port or the keys for
 *   identities cannot be had.
 */
export async function startFacade(options: FacadeOptions): Promise<Facade> {
  const { log, host = '127.0.0.1', env = process.env } = options;
  const settings = options.portSettings ?? { port: 'FACADE_PORT', adminPort: 'FACADE_ADMIN_PORT' };
  const counter = new RouteCounter();
  const loopLag = new LoopLag();
  let inFlight = 0;
  const metrics = new FacadeMetrics(
    {
      openWebSockets: () => webSockets.open,
      inFlight: () => inFlight,
      loadedAt: () => watch.current().loadedAt,
      comparedBytes: () => shadow.kept,
      loopLag: () => loopLag.milliseconds / 1000,
    },
    counter,
  );
  const limits = new Limits(log, metrics.registry, env);
  const resilience = new ResilienceRecord(log, metrics.registry, () => states);
  const states = new BackendStates(resilience);
  const forwarder = new ResilientForwarder(createUpstreamAttempts(), states, resilience);
  const cached = new CacheStore(
    () => watch.current().cacheMemory,
    () => cacheMetrics.evicted(),
  );
  const cacheMetrics = new CacheMetrics(metrics.registry, () => cached);
  const cache = new CachingForwarder(forwarder, cached, cacheMetrics);
  const webSockets = new WebSocketForwarder(states);
  const addressOf = (backend: Backend) => states.of(backend).balance.pick(performance.now()).url;
  const defect = (error: unknown) => log.error({ err: error }, 'defect in the facade');
  const recorder = new CountingRecorder(metrics.comparisons);
  const shadow = new Shadow(options.recorder === undefined ? [recorder] : [recorder, options.recorder], {
    overloaded: () => loopLag.milliseconds > lagThatSheds,
    addressOf,
    onDefect: defect,
  });
  const identifier = new Identifier({ addressOf, ...identityRecord(log, metrics.registry) });
  let secure: SecureReceiving | undefined;
  let accepting = true;
  let invalid: string | undefined;

  const inForce = (table: RouteTable) => {
    for (const route of table.routes) {
      counter.goesTo(route.name, JSON.stringify(route.shares), table.loadedAt);
    }
    forwarder.retain(table.backends.values());
    limits.inForce(table.routes);
    const faulty = table.routes.filter(({ faults }) => faults !== undefined).map(({ name }) => name);
    if (faulty.length > 0) log.warn({ routes: faulty }, 'requests of these routes fail on purpose');
    invalid = undefined;
    metrics.tableValid.set(1);
  };
  const watch = await watchRoutes(options.routesFile, {
    env,
    onTable(table) {
      identifier.follow(table);
      inForce(table);
      followTls(secure, tls, table, log);
      metrics.reloads.inc({ result: 'valid' });
      log.info({ digest: table.digest.slice(0, 12), routes: table.routes.length }, 'routes.yaml is in force');
    },
    onInvalid(error) {
      invalid = error.message;
      metrics.tableValid.set(0);
      metrics.reloads.inc({ result: 'invalid' });
      log.error(
        { code: error.code, problems: error.message },
        'routes.yaml is not valid; the last good one stays',
      );
    },
  });
  inForce(watch.current());
  const { tls } = watch.current();
  const certificateEvents = certificateRecord(log, metrics.registry, () => secure?.certificates);
  const spans = await spansFromEnvironment(log);

  const beforeAll = tls === undefined ? [] : [redirectGate(() => secure?.port ?? 0)];
  const steps: Steps = {
    table: () => watch.current(),
    received: receivedByServer,
    gates: [...beforeAll, limits.addresses, corsGate(), limits.rates, knownCaller, limits.bodies],
    validator: new RequestValidator(new ValidationRecord(log, metrics.registry)),
    identifier,
    forwarder,
    cache,
    webSockets,
    shadow,
    record: new Records(log, metrics, counter, () => watch.current().accessLog),
    spans,
  };
  const receiver: Receiver = {
    request(request, response) {
      if (!accepting) response.shouldKeepAlive = false;
      if (inFlight >= watch.current().mostRequests) {
        resilience.shed();
        shed(request, response);
        return;
      }
      inFlight++;
      exchange(steps, request, response).then(
        () => {
          inFlight--;
        },
        (error: unknown) => {
          inFlight--;
          defect(error);
          response.destroy();
        },
      );
    },
    upgrade(request, socket, head) {
      if (inFlight >= watch.current().mostRequests) {
        resilience.shed();
        shedHandshake(socket);
        return;
      }
      exchangeWebSocket(steps, request, socket, head).catch((error: unknown) => {
        defect(error);
        socket.destroy();
      });
    },
  };
  const receiving = createReceivingServer(receiver, watch.current().headers.size);
  const admin = createAdminServer({
    metrics,
    accepting: () => accepting,
    routes: () => routesReport(watch.current(), invalid, counter, recorder),
    backends: () => backendHealth(watch.current().backends.values(), states),
    identityKeys: () => identifier.publishedKeys(watch.current()),
    onDefect: defect,
  });

  let port: number;
  let adminPort: number;
  try {
    const what = 'the facade';
    identifier.prepare(watch.current());
    secure =
      tls &&
      (await startSecureReceiving({
        settings: tls,
        file: options.routesFile,
        receiver,
        http1: receiving.server,
        address: { what, host, port: options.tlsPort ?? 8443, setting: 'FACADE_TLS_PORT' },
        events: certificateEvents,
      }));
    port = await listen(receiving.server, { what, host, port: options.port, setting: settings.port });
    adminPort = await listen(admin, {
      what: "the facade's admin server",
      host,
      port: options.adminPort,
      setting: settings.adminPort,
    });
  } catch (error) {
    receiving.server.close();
    loopLag.stop();
    await Promise.all([secure?.close(), watch.close(), identifier.close(), limits.close()]);
    throw error;
  }

  let closed: Promise<void> | undefined;
  const close = async (deadline: number) => {
    accepting = false;
    loopLag.stop();
    await watch.close();
    const forSpans = spans === undefined ? 0 : Math.min(longestFlush, deadline / 4);
    await drain(receiving, webSockets, deadline - forSpans, secure);
    await Promise.all([shadow.close(), identifier.close(), forwarder.close(), limits.close()]);
    // Requests that were cut have ended by now, and so have their spans.
    await spans?.close(forSpans);
    admin.closeAllConnections();
    await new Promise((resolve) => admin.close(resolve));
  };
  return {
    port,
    tlsPort: secure?.port,
    adminPort,
    table: () => watch.current(),
    comparisonsSettled: () => shadow.settle(),
    close(deadline = 8_000) {
      closed ??= close(deadline);
      return closed;
    },
  };
}
