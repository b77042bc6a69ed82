import { readFile } from 'node:fs/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import { parse } from 'yaml';
import { z } from 'zod';

const toleranceSchema = z.strictObject({
  /** Where, as a JSON path such as `$.created_at` or `$.bookings[*].created_at`, or `header <name>`. */
  path: z.string().min(1),
  /** `ignore` anything; `time` allows points in time that are at most `within` seconds apart. */
  rule: z.enum(['ignore', 'time']),
  within: z.number().positive().optional(),
  /** Why a client does not mind. There is no tolerance without a reason. */
  reason: z.string().min(1),
});

const requestSchema = z.strictObject({
  name: z.string().min(1),
  /** Who asks: a user of the corpus's `users`, or nobody. */
  as: z.string().optional(),
  method: z.string().default('GET'),
  path: z.string().startsWith('/'),
  headers: z.record(z.string(), z.string()).default({}),
  /** A JSON body. */
  json: z.unknown().optional(),
  /** Fields of a form body. */
  form: z.record(z.string(), z.string()).optional(),
  /** A body as it is; give the content-type in `headers`. */
  body: z.string().optional(),
  /** Repeat a string of this many bytes as the JSON string body: for bodies too large to write down. */
  huge: z.number().int().positive().optional(),
  /** What the monolith must answer for the request to prove anything; default any status. */
  status: z.number().int().optional(),
  tolerate: z.array(toleranceSchema).default([]),
});

const corpusSchema = z.strictObject({
  /** The backend whose answers are put beside the monolith's. */
  service: z.string().min(1),
  /** Log-in credentials by the names that requests use in `as`. */
  users: z.record(z.string(), z.strictObject({ email: z.string(), password: z.string() })).default({}),
  requests: z.array(requestSchema).min(1),
});

/** A difference that is allowed, and why. */
export type Tolerance = z.infer<typeof toleranceSchema>;
/** One request to put to both sides. */
export type CorpusRequest = z.infer<typeof requestSchema>;
/** Requests that both sides must answer alike, in their order, because later ones build on earlier ones. */
export type Corpus = z.infer<typeof corpusSchema>;

/**
 * Reads a corpus.
 * @throws Failure `corpus_invalid` (exit code 2) with everything that is wrong with it.
 */
export async function loadCorpus(file: string): Promise<Corpus> {
  const corpus = corpusSchema.safeParse(parse(await readFile(file, 'utf8')));
  if (corpus.success) return corpus.data;
  throw new Failure('corpus_invalid', `${file} is not a valid corpus.\n${z.prettifyError(corpus.error)}`, {
    exitCode: 2,
  });
}

/** The bytes of a request's body and their content type; undefined where it has none. */
export function bodyOf(
  request: CorpusRequest,
): { contentType: string | undefined; body: string } | undefined {
  if (request.json !== undefined)
    return { contentType: 'application/json', body: JSON.stringify(request.json) };
  if (request.form !== undefined) {
    const contentType = 'application/x-www-form-urlencoded';
    return { contentType, body: new URLSearchParams(request.form).toString() };
  }
  if (request.huge !== undefined) {
    return { contentType: 'application/json', body: `{"bio":${JSON.stringify('x'.repeat(request.huge))}}` };
  }
  return request.body === undefined ? undefined : { contentType: undefined, body: request.body };
}
