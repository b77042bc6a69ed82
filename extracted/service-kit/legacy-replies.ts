import { Readable } from 'node:stream';
import etag from 'etag';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';
import { LegacyBodyError, parseBodiesLikeExpress } from './legacy-body.ts';
import { ProblemError } from './problem.ts';

/**
 * Makes an encapsulated scope answer as the old Express 4 application does. Register the legacy paths inside:
 *
 *     await app.register(async (legacy) => {
 *       legacyReplies(legacy);
 *       legacy.get('/api/inventory/:itemId', { schema }, async (request, reply) =>
 *         sendLegacyJson(reply, 200, { item_id: 1 }));
 *     });
 *
 * Bodies are read as Express reads them, errors have its shape, and the routes' schemas only document: what
 * the old application accepts must not be refused or coerced here, so `request.body`, `.query` and `.params`
 * are to be treated as unknown.
 */
export function legacyReplies(app: FastifyInstance): void {
  parseBodiesLikeExpress(app);
  app.setValidatorCompiler(() => (value: unknown) => ({ value }));
  app.setSerializerCompiler(() => (value: unknown) => JSON.stringify(value));
  app.setErrorHandler(legacyErrorHandler);
  app.addHook('preValidation', async (request) => {
    request.body ??= {};
  });
}

/**
 * `res.status(status).json(value)`: keys in the order given, weak ETag as Express 4 makes it, and 304 without
 * a body when a GET or HEAD carries that tag already.
 */
export function sendLegacyJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return send(reply, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** The same for JSON that was written before, such as a stored answer. */
export function sendLegacyText(reply: FastifyReply, status: number, json: string): FastifyReply {
  return send(reply, status, 'application/json; charset=utf-8', json);
}

/** `res.status(status).send(html)`. */
export function sendLegacyHtml(reply: FastifyReply, status: number, html: string): FastifyReply {
  return send(reply, status, 'text/html; charset=utf-8', html);
}

/** 302 to `http://` + the Host header as received + path: the old application knows of no proxy before it. */
export function redirectLegacy(reply: FastifyReply, path: string): FastifyReply {
  const location = legacyLocation(reply.request, path);
  return reply
    .code(302)
    .header('location', location)
    .header('vary', 'Accept')
    .header('content-type', 'text/plain; charset=utf-8')
    .send(`Found. Redirecting to ${location}`);
}

/** The absolute address of a path as the old application writes it into Location. */
export function legacyLocation(request: FastifyRequest, path: string): string {
  return `http://${request.headers.host ?? 'localhost'}${path}`;
}

function send(reply: FastifyReply, status: number, type: string, body: string): FastifyReply {
  const request = reply.request;
  const tag = etag(Buffer.from(body), { weak: true });
  reply.header('etag', tag);
  const readable = request.method === 'GET' || request.method === 'HEAD';
  if (readable && status >= 200 && status < 300 && fresh(request.headers, { etag: tag })) {
    // Fastify would add `content-length: 0` to a HEAD without a body; of a stream it does not know the length.
    return reply.code(304).send(request.method === 'HEAD' ? Readable.from([]) : undefined);
  }
  return reply.code(status).header('content-type', type).send(body);
}

/** Express's error answers. Errors below 500 that the old application cannot have do not reach this. */
function legacyErrorHandler(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, message } = legacyError(error);
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  if (error instanceof LegacyBodyError) keepConnection(request, reply);
  if (error instanceof ProblemError && error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', error.retryAfterSeconds);
  }
  if (isLegacyApi(request.url)) sendLegacyJson(reply, status, { error: message });
  else sendLegacyHtml(reply, status, `<!DOCTYPE html>\n<title>Error</title>\n<pre>${message}</pre>\n`);
}

/**
 * Fastify closes the connection after a body that it refused. What the client had still to send then meets a closed
 * socket, and a proxy in between reports that instead of the answer. Express reads on, and so do we: node's time-out
 * for a whole request bounds it.
 */
function keepConnection(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection');
  request.raw.resume();
}

function legacyError(error: unknown): { status: number; message: string } {
  if (error instanceof LegacyBodyError)
    return { status: error.statusCode, message: bodyMessages[error.code] };
  // What only a service can meet: it is overloaded, or a service or store that it needs is away.
  if (error instanceof ProblemError && error.status === 503) {
    return { status: 503, message: 'temporarily unavailable' };
  }
  return { status: 500, message: 'internal error' };
}

const bodyMessages = {
  invalid_json: 'invalid JSON',
  too_large: 'request entity too large',
  bad_request: 'bad request',
};

/** Whether a request target is on the old application's API, which answers errors in JSON of its own shape. */
export function isLegacyApi(url: string): boolean {
  return /^\/api(\/|\?|$)/i.test(url) && !/^\/api\/v2(\/|\?|$)/i.test(url);
}
