import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type TSchema } from 'typebox';

/** What a ProblemError needs beside its code. */
export interface ProblemDetails {
  /** HTTP status, 400..599. */
  status: number;
  /** What happened, for a person. */
  detail: string;
  /** What the caller can do about it. */
  hint?: string;
  /** Seconds after which a repeat makes sense; becomes the Retry-After header. */
  retryAfterSeconds?: number;
  /** More members of the answer, such as `remaining`. */
  members?: Record<string, string | number | boolean>;
  cause?: unknown;
}

/** An error that is the caller's answer: application/problem+json with a `code` that never changes. */
export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly members: Record<string, string | number | boolean>;

  constructor(code: string, details: ProblemDetails) {
    super(details.detail, { cause: details.cause });
    this.name = 'ProblemError';
    this.code = code;
    this.status = details.status;
    this.hint = details.hint;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.members = details.members ?? {};
  }
}

/** Input that a route's schema refuses: names the part of the request and the field in it. */
export class InvalidInputError extends ProblemError {
  constructor(part: string, field: string, reason: string) {
    const where = field === '' ? `The ${part}` : `"${field}" in the ${part}`;
    super('invalid_input', { status: 400, detail: `${where} ${reason}.`, members: { part, field } });
    this.name = 'InvalidInputError';
  }
}

/** Body of every problem, for OpenAPI. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Always about:blank; `code` tells problems apart.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable, for programs.' }),
    detail: Type.String(),
    hint: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);

/** An OpenAPI response that is a problem: `{ response: { 404: problem('No such item: item_not_found') } }`. */
export function problem(description: string): {
  description: string;
  content: Record<string, { schema: TSchema }>;
} {
  return { description, content: { 'application/problem+json': { schema: Problem } } };
}

/** Answers with a problem at once, from a hook or a handler. */
export function sendProblem(reply: FastifyReply, error: ProblemError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  const body = {
    type: 'about:blank',
    title: error.code.replaceAll('_', ' '),
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...error.members,
  };
  return reply
    .code(error.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(body));
}

/** What a thrown value means to a caller: itself if it is a ProblemError, else Fastify's errors by their code. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = (error as FastifyError | undefined)?.code ?? '';
  const known = fastifyProblems[code];
  if (known !== undefined) return new ProblemError(known.code, { ...known, cause: error });
  if (error instanceof SyntaxError && (error as FastifyError).statusCode === 400) {
    return new ProblemError('malformed_json', { ...malformedJson, cause: error });
  }
  return new ProblemError('internal_error', {
    status: 500,
    detail: 'The request failed inside the service.',
    hint: 'The log has the reason under the trace id of this request.',
    cause: error,
  });
}

/** Fastify's error handler for every route that is not a legacy path. */
export function problemErrorHandler(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problemError = asProblem(error);
  if (problemError.status >= 500)
    request.log.error({ err: error, code: problemError.code }, 'request failed');
  sendProblem(reply, problemError);
}

const malformedJson = { status: 400, detail: 'The body is not valid JSON.' };

const fastifyProblems: Record<string, ProblemDetails & { code: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    status: 415,
    detail: 'This content type is not accepted here.',
    hint: 'Send application/json.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'payload_too_large',
    status: 413,
    detail: 'The body is larger than this service accepts.',
    hint: 'Bodies may have up to 100 KiB.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'malformed_json', ...malformedJson },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'malformed_json', ...malformedJson },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid_content_length',
    status: 400,
    detail: 'The body is not as long as Content-Length says.',
  },
  FST_ERR_BAD_URL: { code: 'invalid_url', status: 400, detail: 'The path is not validly percent-encoded.' },
};
