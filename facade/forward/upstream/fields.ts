import { UpstreamFailure } from '../upstream-failure.ts';

export const lineEnd = '\r\n';

/** A line break that is none, and control characters, which no header may hold (RFC 9110, 5.5). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Names that have been seen, in lower case: backends use few, and a look is cheaper than a check. */
const known = new Map<string, string>();
const mostKnown = 2_000;

/**
 * Reads field lines, of a head or of trailers (RFC 9112, 5), strictly: folded lines, a space before the colon and
 * control characters are refused.
 * @param from where the first line begins.
 * @param each is told each lower-case name with its value.
 * @returns names and values alternating, as they were written, without the spaces around values.
 * @throws UpstreamFailure `bad_answer`
 */
export function fields(
  text: string,
  from: number,
  each: (lowerCaseName: string, value: string) => void,
): string[] {
  if (forbidden.test(text)) throw new UpstreamFailure('bad_answer', 'its head has control characters');
  const all: string[] = [];
  for (let start = from; start < text.length; ) {
    const next = text.indexOf(lineEnd, start);
    const end = next === -1 ? text.length : next;
    const colon = text.indexOf(':', start);
    if (colon === -1 || colon > end)
      throw new UpstreamFailure('bad_answer', 'its head has a line without a colon');
    const name = text.slice(start, colon);
    const lower = known.get(name) ?? learn(name);
    const value = trimmed(text, colon + 1, end);
    each(lower, value);
    all.push(name, value);
    start = end + 2;
  }
  return all;
}

/** The lower-case form of a name of a field. @throws UpstreamFailure `bad_answer` where it is none. */
function learn(name: string): string {
  if (!token.test(name))
    throw new UpstreamFailure('bad_answer', 'its head has a field whose name is not one');
  const lower = name.toLowerCase();
  // A copy, because a part of a string keeps the whole of it in memory.
  if (known.size < mostKnown) known.set([...name].join(''), lower);
  return lower;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
