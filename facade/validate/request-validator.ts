import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Checked } from '../exchange/checked.ts';
import type { OwnAnswer } from '../exchange/gate.ts';
import { hasBody } from '../forward/request-body.ts';
import { bufferBody } from './buffered-body.ts';
import { type Finding, finding, findingOf } from './finding.ts';
import { BodyRefused, readJson } from './json-body.ts';
import { decoded, isDecodable, isJson, isUtf8, mediaType, rangeOf } from './media-type.ts';
import type { Operation } from './operation.ts';
import type { ValidateRule } from './rule.ts';
import type { SchemaCheck } from './schema-compiler.ts';
import { mostFindings, noOperation, wrongParameters } from './sent-parameters.ts';

/** What came of comparing a request with its document. */
export type ValidationResult =
  | 'valid'
  | 'invalid'
  /** The document has no such operation. */
  | 'no_operation'
  /** Its body was too long or came too slowly, or there were too many at once. */
  | 'not_read';

/** Told of every request that was compared. */
export interface ValidationEvents {
  validated(
    route: string,
    mode: ValidateRule['mode'],
    result: ValidationResult,
    findings: readonly Finding[],
  ): void;
}

export interface ValidatorOptions {
  /** The backend whose requests are left alone: the application that the facade is part of. */
  readonly own?: string;
  /** A body that somebody has read before; undefined: it is still to be read. */
  readonly bodyRead?: (request: IncomingMessage) => Buffer | undefined;
}

/** Bodies in which everything that does not fit is looked for, and not only the first. */
const longestSearched = 16 * 1024;

/** Bytes that all bodies may come to that are being read at once. */
const mostRead = 256 * 1024 * 1024;

/** Something that keeps a request from being sent on, or would if its route refused. */
interface Objection {
  readonly status: 400 | 408 | 413 | 415 | 503;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly result: ValidationResult;
  readonly findings: readonly Finding[];
}

/** Compares requests with the OpenAPI documents that their routes name. */
export class RequestValidator {
  readonly #events: ValidationEvents;
  readonly #options: ValidatorOptions;
  /** Bytes that bodies under way may come to. */
  #reading = 0;

  constructor(events: ValidationEvents, options: ValidatorOptions = {}) {
    this.#events = events;
    this.#options = options;
  }

  /**
   * For a request whose route has a `validate`: the answer that it gets in place of a backend's; undefined: it is sent
   * on, with a body that is as it came.
   */
  async refusal(
    rule: ValidateRule,
    checked: Checked,
    response: ServerResponse,
  ): Promise<OwnAnswer | undefined> {
    const { table, route, backend, path, method } = checked;
    const loaded = table.documents.get(rule.document);
    if (loaded === undefined || backend.name === this.#options.own) return undefined;
    const mark = path.indexOf('?');
    const asked = mark === -1 ? path : path.slice(0, mark);
    const selected =
      rule.operation === undefined
        ? loaded.document.select(method, asked)
        : loaded.document.selectById(rule.operation, asked);
    // What a browser asks beforehand is no operation of the service.
    if (selected === undefined && method === 'OPTIONS') return undefined;
    let objection: Objection | 'gone' | undefined;
    if (selected === undefined) objection = invalid('no_operation', [noOperation]);
    else {
      const query = mark === -1 ? '' : path.slice(mark + 1);
      const { operation } = selected;
      const wrong = wrongParameters(operation.parameters, checked.request, selected.path, query);
      objection =
        wrong.length > 0 ? invalid('invalid', wrong) : await this.#ofBody(rule, operation, checked, response);
    }
    // Whoever forwards it finds that out, and says so.
    if (objection === 'gone') return undefined;
    this.#events.validated(route.name, rule.mode, objection?.result ?? 'valid', objection?.findings ?? []);
    if (objection === undefined || rule.mode === 'report') return undefined;
    const { status, code, title, detail, findings } = objection;
    const problem = {
      status,
      code,
      title,
      detail,
      route: route.name,
      ...(findings.length > 0 ? { errors: findings } : {}),
    };
    return status === 408 || status === 413 ? { problem, headers: { connection: 'close' } } : { problem };
  }

  async #ofBody(
    rule: ValidateRule,
    { body: expected }: Operation,
    { request, backend }: Checked,
    response: ServerResponse,
  ): Promise<Objection | 'gone' | undefined> {
    if (expected === undefined) return undefined;
    if (!hasBody(request)) {
      return expected.required ? invalid('invalid', [finding('body', '', 'must be there')]) : undefined;
    }
    const contentType = request.headers['content-type'] ?? '';
    const type = mediaType(contentType);
    if (isGivenTwice(request, 'content-type')) return unknownType('must be there only once', 'content-type');
    const range = rangeOf(type, expected.content.keys());
    if (range === undefined) return unknownType('must be of a type that the document names', 'content-type');
    const check = expected.content.get(range);
    if (check === undefined || !isJson(type)) return undefined;
    const coding = request.headers['content-encoding'];
    if (!isUtf8(contentType)) return unknownType('must be in UTF-8', 'content-type');
    if (!isDecodable(coding)) return unknownType('must be one that can be read', 'content-encoding');
    const before = this.#options.bodyRead?.(request);
    if (before !== undefined) return wrongBody(before, check);
    if (Number(request.headers['content-length'] ?? 0) > rule.body) return tooLong(rule.body);
    if (this.#reading + rule.body > mostRead) return tooMuchAtOnce;
    this.#reading += rule.body;
    const read = await bufferBody(request, response, rule.body, backend.timeouts.idle);
    this.#reading -= rule.body;
    if (read.kind === 'gone') return 'gone';
    if (read.kind === 'too_long') return tooLong(rule.body);
    if (read.kind === 'slow') return tooSlow;
    const bytes = decoded(read.bytes, coding, rule.body);
    if (bytes === undefined)
      return invalid('invalid', [finding('body', '', 'must be readable, and not too long')]);
    return wrongBody(bytes, check);
  }
}

function wrongBody(bytes: Buffer, check: SchemaCheck): Objection | undefined {
  try {
    const value = readJson(bytes);
    const first = check.first(value);
    if (first === undefined) return undefined;
    const errors = bytes.length > longestSearched ? [first] : check.all(value);
    return invalid(
      'invalid',
      errors.slice(0, mostFindings).map((error) => findingOf('body', '', error)),
    );
  } catch (error) {
    if (error instanceof BodyRefused)
      return invalid('invalid', [finding('body', error.pointer, error.message)]);
    // A schema that refers to itself, followed through a body that is deep.
    if (error instanceof RangeError) return invalid('invalid', [finding('body', '', 'has too many levels')]);
    throw error;
  }
}

/** Of two lines node takes the first; a backend might take the other. */
function isGivenTwice({ rawHeaders }: IncomingMessage, name: string): boolean {
  let lines = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === name.length && rawHeaders[index]?.toLowerCase() === name) lines++;
  }
  return lines > 1;
}

function invalid(result: ValidationResult, findings: readonly Finding[]): Objection {
  return {
    status: 400,
    code: 'request_invalid',
    title: 'The request does not fit its description',
    detail:
      'The OpenAPI document of this route describes another request; "errors" says where. Nothing was sent on.',
    result,
    findings,
  };
}

function unknownType(message: string, header: 'content-type' | 'content-encoding'): Objection {
  return {
    status: 415,
    code: 'media_type_not_supported',
    title: 'The type of the body is not supported',
    detail: 'The OpenAPI document of this route names the types that are. Nothing was sent on.',
    result: 'invalid',
    findings: [finding('header', `/${header}`, message)],
  };
}

function tooLong(most: number): Objection {
  return {
    status: 413,
    code: 'body_too_large',
    title: 'The body is too long to be checked',
    detail: `Bodies of this route may have ${most} bytes. Nothing was sent on.`,
    result: 'not_read',
    findings: [],
  };
}

const tooMuchAtOnce: Objection = {
  status: 503,
  code: 'overloaded',
  title: 'Too many requests at once',
  detail: 'Too many bodies are being compared with OpenAPI documents; this one was not sent on.',
  result: 'not_read',
  findings: [],
};

const tooSlow: Objection = {
  status: 408,
  code: 'request_timeout',
  title: 'The request took too long to arrive',
  detail: 'The request body paused for longer than the time-out.',
  result: 'not_read',
  findings: [],
};
