import path from 'node:path';
import type { Route } from '../routes/model.ts';

/** What a route's requests are compared with, a line each. */
export function validateNotes({ validate }: Route): string[] {
  if (validate === undefined) return [];
  const { document, operation, mode, body } = validate;
  const what = operation === undefined ? '' : ` (${operation})`;
  const others = mode === 'refuse' ? 'others are refused' : 'others are counted and sent on';
  return [`must fit ${path.basename(document)}${what}, with JSON bodies of at most ${body} bytes; ${others}`];
}
