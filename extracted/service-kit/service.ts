import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import underPressure from '@fastify/under-pressure';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { OverloadedError } from './group-commit.ts';
import { addHealthRoutes, type ReadinessCheck } from './health.ts';
import { type IdentityOptions, identity } from './identity.ts';
import { isLegacyApi, sendLegacyJson } from './legacy-replies.ts';
import { asProblem, ProblemError, problemErrorHandler, sendProblem } from './problem.ts';
import { childTraceparent, traceId } from './trace.ts';
import { validatorCompiler } from './validation.ts';

/** A Fastify instance whose routes are typed by their TypeBox schemas. */
export type Service = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyInstance {
    /** From here on /readyz fails, so that no new traffic is sent here. Called at the start of a shutdown. */
    failReadiness(): void;
  }
}

/** What a service is. */
export interface ServiceOptions {
  /** Its name, for OpenAPI and logs. */
  name: string;
  /** One sentence for OpenAPI. */
  description: string;
  identity: IdentityOptions;
  /** What /readyz asks, by name: `{ store: () => store.ping() }`. */
  checks: Record<string, ReadinessCheck>;
  /** pino's level; 'silent' unless given. */
  logLevel?: string;
}

const healthPaths = new Set(['/livez', '/readyz']);

/**
 * Builds a service without listening: pino logs with the trace id, identity on every path, problem+json errors,
 * OpenAPI 3.1 at /openapi.json, /livez and /readyz, bounded bodies (100 KiB), headers and times, and shedding
 * (503 `overloaded`) while the event loop has been more than a second behind for a while. Register routes on the result; legacy
 * paths inside a scope of their own (see legacy-replies). Close with `app.close()`: `onClose` hooks run after
 * the last request was answered.
 */
export async function buildService(options: ServiceOptions): Promise<Service> {
  const app = Fastify({
    logger: { level: options.logLevel ?? 'silent', base: { service: options.name } },
    // Identity tokens, cookies and bodies never reach the log: one line of our own instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'traceId' }),
    genReqId: traceId,
    bodyLimit: 100 * 1024,
    requestTimeout: 15_000,
    connectionTimeout: 0,
    keepAliveTimeout: 30_000,
    http: { headersTimeout: 10_000, maxHeaderSize: 32 * 1024 },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Express finds a route without regard to case and to a slash at the end, however long a parameter is.
    routerOptions: { ignoreTrailingSlash: true, caseSensitive: false, maxParamLength: 16_384 },
    frameworkErrors: answerFrameworkError,
  }).withTypeProvider<TypeBoxTypeProvider>();

  let shuttingDown = false;
  app.decorate('failReadiness', () => {
    shuttingDown = true;
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setErrorHandler(problemErrorHandler);
  addTracing(app);
  await app.register(underPressure, {
    maxEventLoopDelay: 1000,
    sampleInterval: 2000,
    pressureHandler: (
      request: FastifyRequest,
      _reply: FastifyReply,
      _type: string,
      delay: number | undefined,
    ) => {
      // Infinite: one stall filled the whole sample, such as a pause of the machine. It is over, so answer.
      if (!Number.isFinite(delay) || healthPaths.has(request.routeOptions.url ?? '')) return;
      throw new OverloadedError();
    },
  });
  await app.register(identity, options.identity);
  app.setNotFoundHandler(answerNotFound);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: options.name, description: options.description, version: '0.1.0' },
      components: {
        securitySchemes: { identity: { type: 'apiKey', in: 'header', name: 'x-strangler-identity' } },
      },
      security: [{ identity: [] }],
    },
  });
  addHealthRoutes(app, { checks: options.checks, isShuttingDown: () => shuttingDown });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  return app;
}

function addTracing(app: Service): void {
  app.decorateRequest('traceparent', '');
  app.addHook('onRequest', async (request) => {
    request.traceparent = childTraceparent(request.id, String(request.headers.traceparent ?? ''));
  });
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'answered',
    );
  });
}

/** The old application's answer on its API, a problem elsewhere. */
function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (isLegacyApi(request.url)) {
    return sendLegacyJson(reply, 404, { error: 'not found' });
  }
  return sendProblem(
    reply,
    new ProblemError('not_found', {
      status: 404,
      detail: `${request.method} on this path is not part of this service.`,
      hint: 'GET /openapi.json lists what is.',
    }),
  );
}

/** Errors before routing, such as a path that cannot be decoded. */
function answerFrameworkError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problemError = asProblem(error);
  if (isLegacyApi(request.url) && problemError.status < 500) {
    sendLegacyJson(reply, problemError.status, { error: 'bad request' });
  } else sendProblem(reply, problemError);
}
