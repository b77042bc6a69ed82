import { type Difference, diffJson } from '@strangler-fig/kernel/json-diff';
import { type Answer, decodedBody, headerOf } from './answer.ts';
import { cookiesSet, destination, type Whereabouts } from './compare-headers.ts';

/**
 * Where two answers differ in status, type, where they send the client, the cookies that they set, or body; empty
 * where they do not.
 * @throws Error where a body cannot be decompressed.
 */
export async function compareAnswers(
  first: Answer,
  other: Answer,
  where: Whereabouts,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const note = (at: string, left: unknown, right: unknown) => {
    const found = diffJson(left, right);
    differences.push(...found.map((one) => ({ ...one, path: `${at}${one.path.slice(1)}` })));
  };
  const type = headerOf(first, 'content-type');
  const otherType = headerOf(other, 'content-type');
  note('status', first.status, other.status);
  note('header content-type', type, otherType);
  note('header location', destination(first, where), destination(other, where));
  note('header set-cookie', cookiesSet(first), cookiesSet(other));
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
