import { type Difference, diffJson } from '@strangler-fig/kernel/json-diff';
import type { Answer } from './answer.ts';

/** Where two answers differ; empty where a client could not tell them apart. */
export function compareAnswers(primary: Answer, other: Answer): Difference[] {
  const differences: Difference[] = [];
  if (primary.status !== other.status) {
    differences.push({ path: 'status', kind: 'changed', left: primary.status, right: other.status });
  }
  if (primary.contentType !== other.contentType) {
    differences.push({
      path: 'header content-type',
      kind: 'changed',
      left: primary.contentType,
      right: other.contentType,
    });
  }
  if (primary.body.equals(other.body)) return differences;
  const left = parsed(primary);
  const right = parsed(other);
  if (left === undefined || right === undefined) {
    differences.push({ path: 'body', kind: 'changed', left: primary.body.length, right: other.body.length });
    return differences;
  }
  return [...differences, ...diffJson(left.json, right.json)];
}

function parsed(answer: Answer): { json: unknown } | undefined {
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(answer.contentType)) return undefined;
  try {
    return { json: JSON.parse(answer.body.toString()) };
  } catch {
    return undefined;
  }
}
