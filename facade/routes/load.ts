import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { compileAccessLog } from '../record/access-log.ts';
import { compile } from './compile.ts';
import type { Variables } from './environment.ts';
import type { RouteTable } from './model.ts';
import { inPrecedence } from './precedence.ts';
import { inFileOrder, type RouteProblem, RoutesInvalid } from './problem.ts';
import { readSource } from './read-source.ts';
import { Report } from './report.ts';
import { checkShape } from './shape.ts';
import { atOnce } from './slices.ts';
import { maxFileSize } from './source.ts';

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

/**
 * Reads and compiles a routes.yaml.
 * @throws RoutesInvalid with everything that is wrong, also where there is no such file.
 */
export async function loadRoutes(file: string, options: LoadOptions = {}): Promise<RouteTable> {
  return (await checkRoutes(file, options)).table;
}

/**
 * The same without waiting, for a program that has nothing else to do before it has its routes.
 * @throws RoutesInvalid
 */
export function loadRoutesSync(file: string, options: LoadOptions = {}): RouteTable {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw unreadable(file, error as NodeJS.ErrnoException);
  }
  return checkContent(content, file, options).table;
}

/** Like loadRoutes, with warnings. */
export async function checkRoutes(file: string, options: LoadOptions = {}): Promise<CheckedRoutes> {
  return checkContent(await readRoutesFile(file), file, options);
}

/**
 * Compiles the text of a routes.yaml.
 * @param file its name, for messages.
 * @throws RoutesInvalid
 */
export function parseRoutes(text: string, file: string, options: LoadOptions = {}): RouteTable {
  return checkContent(Buffer.from(text), file, options).table;
}

/**
 * The bytes of a routes.yaml; of one that is too large only the beginning.
 * @throws RoutesInvalid where it cannot be read.
 */
export async function readRoutesFile(file: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const pieces: Buffer[] = [];
    let length = 0;
    while (length <= maxFileSize) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(64 * 1024));
      if (bytesRead === 0) break;
      pieces.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(pieces);
  } catch (error) {
    throw unreadable(file, error as NodeJS.ErrnoException);
  } finally {
    await handle?.close();
  }
}

/** Compiles a file's bytes. */
export function checkContent(content: Buffer, file: string, options: LoadOptions): CheckedRoutes {
  const { env = process.env, secrets = 'required' } = options;
  const source = atOnce(readSource(decode(content, file), env));
  if (source.value === undefined) throw new RoutesInvalid(file, source.problems);
  const report = new Report(source, path.dirname(path.resolve(file)));
  report.problems.push(...source.problems);
  const shape = checkShape(source);
  report.problems.push(...shape.problems);
  const { backends, routes, identity } = compile(shape.value, report, secrets);
  if (shape.file === undefined || report.problems.length > 0) throw new RoutesInvalid(file, report.problems);
  const table = Object.freeze({
    file,
    digest: digestOf(content),
    loadedAt: new Date(),
    backends,
    routes: Object.freeze(inPrecedence(routes)),
    identity,
    servedBy: shape.file.servedBy ?? false,
    mostRequests: shape.file.limits?.requests ?? 10_000,
    accessLog: compileAccessLog(shape.file.accessLog),
  });
  return { table, warnings: inFileOrder(report.warnings) };
}

/** SHA-256, hexadecimal. */
export function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function decode(content: Buffer, file: string): string {
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

function unreadable(file: string, error: NodeJS.ErrnoException): RoutesInvalid {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return fileProblem(
      file,
      'file_not_found',
      'There is no such file.',
      'Give the path of your routes.yaml, or put the file back.',
      error,
    );
  }
  if (error.code === 'EISDIR') {
    return fileProblem(
      file,
      'file_unreadable',
      'This is a folder.',
      'Give the path of the file in it.',
      error,
    );
  }
  return fileProblem(
    file,
    'file_unreadable',
    `The file cannot be read (${error.code ?? error.message}).`,
    'Check its permissions.',
    error,
  );
}

function fileProblem(
  file: string,
  code: string,
  message: string,
  hint: string,
  cause?: unknown,
): RoutesInvalid {
  return new RoutesInvalid(file, [{ code, at: undefined, message, hint }], cause);
}
