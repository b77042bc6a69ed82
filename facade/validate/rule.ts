import path from 'node:path';
import { sizeInBytes } from '../routes/size.ts';
import type { ValidateEntry } from './schema.ts';

/** What the requests of a route are compared with. */
export interface ValidateRule {
  /** The document's absolute path, by which the table has it. */
  readonly document: string;
  /** The operation of every request; undefined: path and method select it. */
  readonly operation: string | undefined;
  readonly mode: 'refuse' | 'report';
  /** Bytes of a body that is checked. */
  readonly body: number;
}

/** @param folder the one that routes.yaml is in. */
export function compileValidate(entry: ValidateEntry, folder: string): ValidateRule {
  return Object.freeze({
    document: path.resolve(folder, entry.openapi),
    operation: entry.operation,
    mode: entry.mode ?? 'refuse',
    body: sizeInBytes(entry.body ?? '64KiB'),
  });
}
