import { createHash } from 'node:crypto';
import path from 'node:path';
import { compileCacheMemory } from '../cache/compile-cache.ts';
import { compileAccessLog } from '../record/access-log.ts';
import { compile } from './compile.ts';
import type { Surroundings } from './compile-entries.ts';
import type { Variables } from './environment.ts';
import { readItemwise } from './item-source.ts';
import type { ReadItems } from './items.ts';
import type { RouteTable } from './model.ts';
import { inPrecedence } from './precedence.ts';
import { inFileOrder, type RouteProblem, RoutesInvalid } from './problem.ts';
import { readApart } from './read-apart.ts';
import { readSource } from './read-source.ts';
import { Report } from './report.ts';
import { checkShape } from './shape.ts';
import { atOnce, inSlices, type Steps } from './slices.ts';
import { maxFileSize, type Source } from './source.ts';
import { readWhole } from './whole-source.ts';

export interface LoadOptions {
  /** What `${NAME}` is replaced from. Default process.env. */
  readonly env?: Variables;
  /**
   * 'optional': an unset secret is no error, and empty in the table; for checks on machines without secrets,
   * never for serving. Default 'required'.
   */
  readonly secrets?: 'required' | 'optional';
}

/** A table, and what is odd about the file without making it unusable. */
export interface CheckedRoutes {
  readonly table: RouteTable;
  readonly warnings: readonly RouteProblem[];
}

/** What the next check of a file need not do again. It lives as long as the table. */
interface Kept {
  readonly items: ReadItems | undefined;
  readonly surroundings: Surroundings;
}

const kept = new WeakMap<RouteTable, Kept>();

/**
 * Compiles a file's bytes.
 * @throws RoutesInvalid
 */
export function checkContent(content: Buffer, file: string, options: LoadOptions): CheckedRoutes {
  const text = decode(content, file);
  const source = atOnce(readSource(text, options.env ?? process.env));
  return atOnce(checkSource(source, content, file, options));
}

/**
 * The same beside other work: in slices, and in a thread where it cannot be sliced.
 * @param before a table of the same file: what has not changed since is taken from it.
 * @throws RoutesInvalid
 */
export async function checkInSlices(
  content: Buffer,
  file: string,
  options: LoadOptions,
  before: RouteTable,
): Promise<CheckedRoutes> {
  const { env = process.env, secrets = 'required' } = options;
  const known = kept.get(before);
  const text = decode(content, file);
  const source =
    (await inSlices(readItemwise(text, env, known?.items))) ??
    (text.length < shortText ? readWhole(text, env) : await readApart(content, file, { env, secrets }));
  return inSlices(checkSource(source, content, file, options, before));
}

/** Characters that are parsed in less time than a thread takes to start. */
const shortText = 32 * 1024;

/** Compares what a file holds with the schema, and compiles it. */
export function* checkSource(
  source: Source,
  content: Buffer,
  file: string,
  { secrets = 'required' }: LoadOptions,
  before?: RouteTable,
): Steps<CheckedRoutes> {
  const known = before && kept.get(before);
  if (source.value === undefined) throw new RoutesInvalid(file, source.problems);
  const report = new Report(source, path.dirname(path.resolve(file)));
  report.problems.push(...source.problems);
  const shape = yield* checkShape(source);
  report.problems.push(...shape.problems);
  const compiled = yield* compile(shape.value, report, secrets, known?.surroundings);
  const { backends, routes, identity, limits, tls, documents } = compiled;
  if (shape.file === undefined || report.problems.length > 0) {
    throw new RoutesInvalid(file, report.problems, undefined, [...report.documents]);
  }
  yield;
  const ordered = inPrecedence(routes, before?.routes);
  yield;
  const table: RouteTable = Object.freeze({
    file,
    digest: digestOf(content),
    loadedAt: new Date(),
    backends,
    routes: Object.freeze(ordered),
    identity,
    ...limits,
    servedBy: shape.file.servedBy ?? false,
    mostRequests: shape.file.limits?.requests ?? 10_000,
    documents,
    cacheMemory: compileCacheMemory(shape.file.cache),
    accessLog: compileAccessLog(shape.file.accessLog),
    tls,
  });
  kept.set(table, { items: source.items, surroundings: compiled.surroundings });
  return { table, warnings: inFileOrder(report.warnings) };
}

/** SHA-256, hexadecimal. */
export function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** @throws RoutesInvalid where it is no text, or nothing. */
export function decode(content: Buffer, file: string): string {
  if (content.length > maxFileSize) {
    throw fileProblem(
      file,
      'file_too_large',
      `The file has more than ${maxFileSize} bytes.`,
      'Is this the right file?',
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw fileProblem(file, 'not_utf8', 'The file is not UTF-8 text.', 'Save it as UTF-8.', error);
  }
  if (text.split('\n').every((line) => /^\s*(?:#.*|---\s*|\.\.\.\s*)?$/.test(line))) {
    throw fileProblem(
      file,
      'file_empty',
      'The file is empty.',
      'Start with "version: 1", "backends:" and "routes:".',
    );
  }
  return text;
}

/** What is wrong with the file as a whole. */
export function fileProblem(
  file: string,
  code: string,
  message: string,
  hint: string,
  cause?: unknown,
): RoutesInvalid {
  return new RoutesInvalid(file, [{ code, at: undefined, message, hint }], cause);
}
