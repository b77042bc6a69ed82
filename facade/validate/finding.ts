import type { ErrorObject } from 'ajv';

/** One thing about a request that its document does not allow. Nothing of what was sent is in it but names. */
export interface Finding {
  readonly in: 'request' | 'path' | 'query' | 'header' | 'cookie' | 'body';
  /** Where in that part: `/limit`, `/items/0/quantity`; empty: the part as a whole. */
  readonly pointer: string;
  /** What must be: `must be integer`. */
  readonly message: string;
}

/** Characters of a pointer, which has names of the client's choice in it. */
const longestPointer = 200;

export function finding(where: Finding['in'], pointer: string, message: string): Finding {
  const shown = pointer.length > longestPointer ? `${pointer.slice(0, longestPointer - 1)}…` : pointer;
  return { in: where, pointer: shown, message };
}

/** @param within where the value is that was compared. */
export function findingOf(where: Finding['in'], within: string, error: ErrorObject): Finding {
  const { additionalProperty, unevaluatedProperty } = error.params as Record<string, unknown>;
  const extra = additionalProperty ?? unevaluatedProperty;
  const last = typeof extra === 'string' ? `/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}` : '';
  const message = last === '' ? (error.message ?? 'does not fit') : 'must not be there';
  return finding(where, `${within}${error.instancePath}${last}`, message);
}
