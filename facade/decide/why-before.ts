import type { PathPattern, Route } from '../routes/model.ts';
import { pathText } from '../routes/path-pattern.ts';
import { compareHost, type ElementPath, elementRank } from '../routes/precedence.ts';
import { listsMethod } from './predicates.ts';
import type { Probe } from './probe.ts';

/** Says why `first` answers a request that both routes match: the first rule of precedence that tells them apart. */
export function whyBefore(first: Route, second: Route, probe: Probe): string {
  const a = first.match;
  const b = second.match;
  if (compareHost(a.host, b.host) !== 0) {
    return `host ${a.host} is more specific than ${b.host ?? 'any host'}`;
  }
  const path = whyPathBefore(a.path, b.path);
  if (path !== undefined) return path;
  if (listsMethod(a, probe) && !listsMethod(b, probe)) return `${first.name} lists ${probe.method}`;
  const methods =
    (a.methods?.length ?? Number.POSITIVE_INFINITY) - (b.methods?.length ?? Number.POSITIVE_INFINITY);
  if (methods < 0)
    return `${first.name} takes ${b.methods === undefined ? 'certain methods only' : 'fewer methods'}`;
  for (const part of ['headers', 'query', 'cookies'] as const) {
    if (a[part].length > b[part].length)
      return `${first.name} asks for more ${part === 'query' ? 'query parameters' : part}`;
  }
  return `${first.name} comes first`;
}

function whyPathBefore(a: PathPattern, b: PathPattern): string | undefined {
  if (a.kind === 'elements' && b.kind === 'elements') return whyElementsBefore(a, b);
  if (a.kind === 'regex' && b.kind === 'regex') {
    return a.source === b.source ? undefined : 'of two regular expressions the longer one comes first';
  }
  return a.kind === 'regex'
    ? 'a regular expression comes before a prefix'
    : 'an exact path comes before a regular expression';
}

function whyElementsBefore(a: ElementPath, b: ElementPath): string | undefined {
  for (let index = 0; index <= Math.max(a.elements.length, b.elements.length); index++) {
    if (elementRank(a, index) === elementRank(b, index)) continue;
    return `${pathText(a)} is more specific than ${pathText(b)}: ${elementName(a, index)} comes before ${elementName(b, index)}`;
  }
  return undefined;
}

function elementName(path: ElementPath, index: number): string {
  const element = path.elements[index];
  if (element === undefined) return path.prefix ? '"*"' : 'the end of the path';
  if (element.kind === 'parameter') return `":${element.name}"`;
  return elementRank(path, index) === 1 ? `"${element.text}" in any case` : `"${element.text}"`;
}
