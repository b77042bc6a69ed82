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

/** A pair of values that is still to be compared. */
interface Pending {
  readonly left: unknown;
  readonly right: unknown;
  /** The last step of the path here, such as `.price` or `[0]`. */
  readonly step: string;
  readonly parent: Pending | undefined;
}

/**
 * The places where two JSON values differ. The order of an object's keys does not matter, the order of an
 * array's elements does. It keeps a stack of its own: values may be nested as deep as whoever sent them likes.
 * @param limit at most so many differences are collected, default 100.
 */
export function diffJson(left: unknown, right: unknown, limit = 100): Difference[] {
  const found: Difference[] = [];
  const pending: Pending[] = [{ left, right, step: '$', parent: undefined }];
  for (let pair = pending.pop(); pair !== undefined && found.length < limit; pair = pending.pop()) {
    if (Object.is(pair.left, pair.right)) continue;
    const kind = kindOfDifference(pair.left, pair.right);
    if (kind !== undefined) found.push({ path: pathOf(pair), kind, left: pair.left, right: pair.right });
    // The last pushed is the first compared, so that differences come in the order of the document.
    else pending.push(...inside(pair).reverse());
  }
  return found;
}

/** Undefined where both are objects, or both arrays: then what is inside decides. */
function kindOfDifference(left: unknown, right: unknown): Difference['kind'] | undefined {
  if (left === undefined) return 'added';
  if (right === undefined) return 'missing';
  if (typeOf(left) !== typeOf(right)) return 'type';
  return typeof left === 'object' && left !== null ? undefined : 'changed';
}

function inside(pair: Pending): Pending[] {
  const { left, right } = pair;
  if (Array.isArray(left) && Array.isArray(right)) {
    const length = Math.max(left.length, right.length);
    return Array.from({ length }, (_, index) => ({
      left: left[index],
      right: right[index],
      step: `[${index}]`,
      parent: pair,
    }));
  }
  if (!isObject(left) || !isObject(right)) return [];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].map((key) => ({
    left: own(left, key),
    right: own(right, key),
    step: stepTo(key),
    parent: pair,
  }));
}

function pathOf(pair: Pending): string {
  const steps: string[] = [];
  for (let at: Pending | undefined = pair; at !== undefined; at = at.parent) steps.push(at.step);
  return steps.reverse().join('');
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

function stepTo(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
