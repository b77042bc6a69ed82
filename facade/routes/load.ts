import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type CheckedRoutes, checkContent, fileProblem, type LoadOptions } from './check-content.ts';
import type { RouteTable } from './model.ts';
import type { RoutesInvalid } from './problem.ts';
import { maxFileSize } from './source.ts';

export type { CheckedRoutes, LoadOptions } from './check-content.ts';

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
