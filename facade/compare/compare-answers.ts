import { type Difference, diffJson } from '@strangler-fig/kernel/json-diff';
import { type Answer, decodedBody, headerOf } from './answer.ts';

/**
 * Where two answers differ in status, type or body; empty where they do not.
 * @throws Error where a body cannot be decompressed.
 */
export async function compareAnswers(first: Answer, other: Answer): Promise<Difference[]> {
  const differences: Difference[] = [];
  const note = (path: string, left: unknown, right: unknown) => {
    if (left !== right) differences.push({ path, kind: 'changed', left, right });
  };
  const type = headerOf(first, 'content-type');
  const otherType = headerOf(other, 'content-type');
  note('status', first.status, other.status);
  note('header content-type', type, otherType);
  const [body, otherBody] = await Promise.all([decodedBody(first), decodedBody(other)]);
  if (body.equals(otherBody)) return differences;
  const left = parsed(type, body);
  const right = parsed(otherType, otherBody);
  if (left !== undefined && right !== undefined) return [...differences, ...diffJson(left.json, right.json)];
  differences.push({ path: 'body', kind: 'changed', left: body.length, right: otherBody.length });
  return differences;
}

function parsed(contentType: string, body: Buffer): { json: unknown } | undefined {
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) return undefined;
  try {
    return { json: JSON.parse(body.toString()) };
  } catch {
    return undefined;
  }
}
