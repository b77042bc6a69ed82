import type { FastifyInstance } from 'fastify';
import Type from 'typebox';

/** Proves that something the service needs works: resolves when it does, throws when not. */
export type ReadinessCheck = () => Promise<void>;

const checkTimeoutMs = 2000;

/** Adds /livez (the process answers) and /readyz (everything it needs answers, each within 2 s). */
export function addHealthRoutes(
  app: FastifyInstance,
  options: { checks: Record<string, ReadinessCheck>; isShuttingDown: () => boolean },
): void {
  app.get('/livez', { schema: livez }, async () => ({ status: 'ok' }));
  app.get('/readyz', { schema: readyz }, async (request, reply) => {
    const results = await Promise.all(
      Object.entries(options.checks).map(async ([name, check]) => [name, await run(check)] as const),
    );
    const failed = results.filter(([, failure]) => failure !== undefined);
    for (const [check, failure] of failed)
      request.log.warn({ err: failure, check }, 'readiness check failed');
    const failing = failed.map(([name]) => name);
    if (options.isShuttingDown()) failing.push('shutting_down');
    if (failing.length > 0) return reply.code(503).send({ status: 'unavailable', failing });
    return { status: 'ready', failing };
  });
}

async function run(check: ReadinessCheck): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${checkTimeoutMs} ms`)), checkTimeoutMs);
    });
    await Promise.race([check(), late]);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}

const livez = {
  summary: 'The process answers.',
  tags: ['health'],
  response: { 200: Type.Object({ status: Type.Literal('ok') }) },
};

const Readiness = Type.Object({
  status: Type.String({ description: 'ready or unavailable' }),
  failing: Type.Array(Type.String(), { description: 'Names of the checks that failed.' }),
});

const readyz = {
  summary: 'The service and everything that it needs answer.',
  tags: ['health'],
  response: { 200: Readiness, 503: Readiness },
};
