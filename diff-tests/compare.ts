import { type Difference, diffJson } from '@strangler-fig/kernel/json-diff';
import type { Tolerance } from './corpus.ts';

/** One side's answer. Header names are lower-case. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/**
 * Headers that a client of the application can come to rely on. Others belong to the connection, to the server
 * software (`x-powered-by`), or to the moment (`date`).
 */
const relevant = [
  'content-type',
  'location',
  'etag',
  'cache-control',
  'www-authenticate',
  'content-disposition',
  'allow',
  'retry-after',
];

/** The places where a client could tell the right answer from the left, after what is tolerated. */
export function compareAnswers(
  left: Answer,
  right: Answer,
  tolerances: readonly Tolerance[] = [],
): Difference[] {
  const body = bodyDifferences(left, right);
  const remaining = body.filter((difference) => !tolerances.some((one) => allows(one, difference)));
  const found: Difference[] = [];
  if (left.status !== right.status) {
    found.push({ path: 'status', kind: 'changed', left: left.status, right: right.status });
  }
  for (const name of relevant) {
    // An ETag is a digest of the body: where a difference of the body is tolerated, so is that of its digest.
    if (name === 'etag' && body.length > remaining.length) continue;
    const difference = headerDifference(name, left.headers[name], right.headers[name]);
    if (difference !== undefined && !tolerances.some((one) => allows(one, difference)))
      found.push(difference);
  }
  return [...found, ...remaining];
}

function headerDifference(name: string, left: unknown, right: unknown): Difference | undefined {
  if (String(left) === String(right)) return undefined;
  const kind = left === undefined ? 'added' : right === undefined ? 'missing' : 'changed';
  return { path: `header ${name}`, kind, left, right };
}

function bodyDifferences(left: Answer, right: Answer): Difference[] {
  if (left.body === right.body || isRedirect(left)) return [];
  const leftJson = jsonOf(left);
  const rightJson = jsonOf(right);
  if (leftJson === undefined || rightJson === undefined) {
    return [{ path: 'body', kind: 'changed', left: left.body, right: right.body }];
  }
  const differences = diffJson(leftJson.value, rightJson.value);
  // Equal as JSON, but not byte for byte: the keys' order or the white space differ, and so does the ETag.
  if (differences.length > 0) return differences;
  return [{ path: 'body', kind: 'changed', left: left.body, right: right.body }];
}

/** The page behind a redirect is written for nobody; only where it leads counts. */
function isRedirect(answer: Answer): boolean {
  return answer.status >= 300 && answer.status < 400 && answer.headers.location !== undefined;
}

function jsonOf(answer: Answer): { value: unknown } | undefined {
  if (!String(answer.headers['content-type'] ?? '').startsWith('application/json')) return undefined;
  try {
    return { value: JSON.parse(answer.body) };
  } catch {
    return undefined;
  }
}

function allows(tolerance: Tolerance, difference: Difference): boolean {
  if (tolerance.path !== difference.path.replace(/\[\d+\]/g, '[*]')) return false;
  if (tolerance.rule === 'ignore') return true;
  const apart = Math.abs(Date.parse(String(difference.left)) - Date.parse(String(difference.right)));
  return apart <= (tolerance.within ?? 1) * 1000;
}
