/** One place where two JSON values differ. */
export interface Difference {
  /** Where, as a JSON path such as `$.events[0].price`. */
  path: string;
  kind: 'changed' | 'missing' | 'added' | 'type';
  /** The value on the first side; undefined where it is missing there. */
  left: unknown;
  /** The value on the second side; undefined where it is missing there. */
  right: unknown;
}

/**
 * The places where two JSON values differ. The order of an object's keys does not matter, the order of an
 * array's elements does.
 * @param limit at most so many differences are collected, default 100.
 */
export function diffJson(left: unknown, right: unknown, limit = 100): Difference[] {
  const found: Difference[] = [];
  compare('$', left, right, found, limit);
  return found;
}

function compare(path: string, left: unknown, right: unknown, found: Difference[], limit: number): void {
  if (found.length >= limit || Object.is(left, right)) return;
  if (left === undefined) found.push({ path, kind: 'added', left, right });
  else if (right === undefined) found.push({ path, kind: 'missing', left, right });
  else if (typeOf(left) !== typeOf(right)) found.push({ path, kind: 'type', left, right });
  else if (Array.isArray(left) && Array.isArray(right)) {
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      compare(`${path}[${index}]`, left[index], right[index], found, limit);
    }
  } else if (isObject(left) && isObject(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      compare(`${path}${step(key)}`, own(left, key), own(right, key), found, limit);
    }
  } else found.push({ path, kind: 'changed', left, right });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function step(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
