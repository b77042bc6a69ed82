import type { IncomingMessage } from 'node:http';
import { parse as parseForm } from 'node:querystring';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** A body that the old application's parsers refuse, with the status they give it. */
export class LegacyBodyError extends Error {
  readonly code: 'invalid_json' | 'too_large' | 'bad_request';
  readonly statusCode: number;

  constructor(code: LegacyBodyError['code'], statusCode: number) {
    super(`The body was refused: ${code}.`);
    this.name = 'LegacyBodyError';
    this.code = code;
    this.statusCode = statusCode;
  }
}

const limit = 100 * 1024;
const mostParameters = 1000;

/**
 * Reads bodies as `express.json()` and `express.urlencoded({ extended: false })` do with their defaults: JSON
 * must be an object or a list, at most 100 KiB after inflating (gzip and deflate), an empty body or one of any
 * other type is {}. Replaces the content type parsers of the given (encapsulated) instance.
 */
export function parseBodiesLikeExpress(app: FastifyInstance): void {
  // Fastify refuses a content type that is none; Express takes it for another type.
  app.addHook('onRequest', async (request) => {
    const type = request.raw.headers['content-type'];
    if (type !== undefined && !/^\s*[^\s/;]+\/[^\s/;]+\s*(;|$)/.test(type)) {
      delete request.raw.headers['content-type'];
    }
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (_request: unknown, stream: IncomingMessage) => parseBody(stream));
}

async function parseBody(request: IncomingMessage): Promise<unknown> {
  const { type, charset } = contentType(request.headers['content-type']);
  if (type === 'application/json') {
    if (!charset.startsWith('utf-')) throw new LegacyBodyError('bad_request', 415);
    return parseJson(decode(await readBody(request), charset));
  }
  if (type === 'application/x-www-form-urlencoded') {
    if (charset !== 'utf-8') throw new LegacyBodyError('bad_request', 415);
    return parseParameters(decode(await readBody(request), charset));
  }
  // Left unread, as Express leaves it: node drains the rest after the answer.
  return {};
}

function contentType(header: string | undefined): { type: string; charset: string } {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find(Boolean);
  return { type: type.trim(), charset: charset ?? 'utf-8' };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const stream = inflated(request);
  if (stream === request && declared > limit) throw new LegacyBodyError('too_large', 413);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: stream !== request })) {
      size += chunk.length;
      if (size > limit) throw new LegacyBodyError('too_large', 413);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof LegacyBodyError) throw error;
    throw new LegacyBodyError('bad_request', 400);
  } finally {
    // What is left of a refused body is read and dropped, so that the answer reaches the client.
    request.unpipe();
    request.resume();
  }
  return Buffer.concat(chunks);
}

function inflated(request: IncomingMessage): Readable {
  switch ((request.headers['content-encoding'] ?? 'identity').toLowerCase()) {
    case 'identity':
      return request;
    case 'gzip':
      return request.pipe(createGunzip());
    case 'deflate':
      return request.pipe(createInflate());
    default:
      throw new LegacyBodyError('bad_request', 415);
  }
}

function decode(body: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    throw new LegacyBodyError('bad_request', 415);
  }
}

function parseJson(text: string): unknown {
  if (text.length === 0) return {};
  if (!/^[ \t\n\r]*[[{]/.test(text)) throw new LegacyBodyError('invalid_json', 400);
  try {
    return JSON.parse(text);
  } catch {
    throw new LegacyBodyError('invalid_json', 400);
  }
}

function parseParameters(text: string): unknown {
  if (text.split('&', mostParameters + 1).length > mostParameters)
    throw new LegacyBodyError('too_large', 413);
  return parseForm(text, undefined, undefined, { maxKeys: mostParameters });
}
