import type { Match, PathPattern } from '../routes/model.ts';
import { foldsCase } from '../routes/precedence.ts';
import type { Probe } from './probe.ts';

/** The first condition of a route that a request does not fulfil, besides host, path and method. */
export interface Unmet {
  readonly part: 'header' | 'query' | 'cookie';
  readonly name: string;
  readonly wanted: string;
  readonly actual: string | undefined;
}

export function unmetCondition(match: Match, probe: Probe): Unmet | undefined {
  for (const { name, value } of match.headers) {
    const actual = probe.header(name);
    if (!sameHeader(actual, value)) return { part: 'header', name, wanted: value, actual };
  }
  for (const { name, value } of match.query) {
    const actual = probe.query(name);
    if (actual !== value) return { part: 'query', name, wanted: value, actual };
  }
  for (const { name, value } of match.cookies) {
    const actual = probe.cookie(name);
    if (actual !== value) return { part: 'cookie', name, wanted: value, actual };
  }
  return undefined;
}

/** Whole and with case; space around a comma that joins two values means nothing (RFC 9110, 5.6.1). */
function sameHeader(actual: string | undefined, wanted: string): boolean {
  if (actual === wanted) return true;
  if (actual === undefined || !wanted.includes(',')) return false;
  return joinedByComma(actual) === joinedByComma(wanted);
}

function joinedByComma(value: string): string {
  return value.replace(/[ \t]*,[ \t]*/g, ',');
}

/** Whether a route lists the request's own method. */
export function listsMethod(match: Match, probe: Probe): boolean {
  return match.methods?.includes(probe.method) === true;
}

/** Whether a route takes the request by the method that it follows, or takes any. */
export function takesFollowed(match: Match, follows: string): boolean {
  if (match.methods === undefined || match.methods.includes(follows)) return true;
  // A preflight that asks for HEAD follows where the HEAD itself will go.
  return follows === 'HEAD' && match.methods.includes('GET');
}

/** Whether a route's methods allow the request at all. */
export function takesMethod(match: Match, probe: Probe): boolean {
  if (match.methods === undefined || listsMethod(match, probe)) return true;
  return probe.follows !== undefined && takesFollowed(match, probe.follows);
}

export function hostMatches(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined || pattern === host) return true;
  return pattern.startsWith('*.') && host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
}

export function pathMatches(path: PathPattern, probe: Probe): boolean {
  if (path.kind === 'regex') return path.test(probe.path);
  const { elements } = probe;
  const more = elements.length - path.elements.length;
  const fits = path.prefix ? more >= 0 : more === 0 || (more === 1 && path.anyEnd && elements.at(-1) === '');
  if (!fits) return false;
  return path.elements.every((element, index) => {
    const actual = elements[index] ?? '';
    if (element.kind === 'parameter') return actual !== '';
    return element.text === (foldsCase(path, element.text) ? actual.toLowerCase() : actual);
  });
}
