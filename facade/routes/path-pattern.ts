import { RE2JS, RE2JSException } from 're2js';
import { normalizeEscapes, parseTarget, TargetRefused } from '../check/target.ts';
import type { PathElement, PathPattern } from './model.ts';
import { exactSpelling, type Spelling } from './spelling.ts';

/** A pattern that cannot be used; the message says why, the hint what to write instead. */
export class PatternRefused extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Characters. Longer than any path worth matching, short enough to keep a regular expression's automaton small. */
export const maxPatternLength = 1024;

const parameterName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Compiles `/api/users/:id` (exact) or `/api/*` (prefix of whole elements).
 * @throws PatternRefused
 */
export function compilePath(source: string, spelling: Spelling = exactSpelling): PathPattern {
  const { caseSensitive } = spelling;
  const loose = spelling.trailingSlash === 'ignore';
  if (!source.startsWith('/')) {
    const everything = source === '*' || source === '';
    throw new PatternRefused(
      'bad_path',
      `The path ${quote(source)} does not start with "/".`,
      everything ? 'For every path write "/*".' : `Write "/${source}".`,
    );
  }
  const prefix = source === '/*' || source.endsWith('/*');
  const written = (prefix ? source.slice(0, -2) : source).split('/').slice(1);
  // `/x/` and `/x` are one path then, and routes that have both are told to be tied.
  const texts =
    loose && !prefix && written.length > 1 && written.at(-1) === '' ? written.slice(0, -1) : written;
  const names = new Set<string>();
  const elements = texts.map((text) => {
    const element = compileElement(text, source, caseSensitive);
    if (element.kind === 'parameter') {
      if (names.has(element.name)) {
        throw new PatternRefused(
          'bad_path',
          `The path ${quote(source)} has two parameters named :${element.name}.`,
          'Give each its own name.',
        );
      }
      names.add(element.name);
    }
    return element;
  });
  refuseWhatNoRequestHas(source, elements);
  const anyEnd = loose && !prefix && source !== '/';
  return { kind: 'elements', source, elements, prefix, caseSensitive, anyEnd };
}

function compileElement(text: string, source: string, caseSensitive: boolean): PathElement {
  if (text.includes('*')) {
    throw new PatternRefused(
      'bad_path',
      `In the path ${quote(source)}, "*" does not stand alone at the end.`,
      'Use "/prefix/*" for everything below, ":name" for one element, or "path: { regex: … }".',
    );
  }
  if (/[?#]/.test(text)) {
    throw new PatternRefused(
      'bad_path',
      `The path ${quote(source)} has a "${text.includes('?') ? '?' : '#'}".`,
      'A query is matched by "query: { name: value }"; an optional element needs a second route or "path: { regex: … }".',
    );
  }
  if (text.startsWith(':')) {
    const name = text.slice(1);
    if (!parameterName.test(name)) {
      throw new PatternRefused(
        'bad_path',
        `In the path ${quote(source)}, "${text}" is not a parameter.`,
        'A parameter is a whole element, ":" and a name of letters, digits and "_". For more use "path: { regex: … }".',
      );
    }
    return { kind: 'parameter', name };
  }
  // What is not allowed on the wire is written as it travels there: `/café` means `/caf%C3%A9`.
  const onTheWire = normalizeEscapes(text.replace(/[^\x21-\x7e]+/gu, (part) => encodeURIComponent(part)));
  return { kind: 'literal', text: caseSensitive ? onTheWire : onTheWire.toLowerCase() };
}

/** A pattern that only a refused request could match never matches: better said now. */
function refuseWhatNoRequestHas(source: string, elements: readonly PathElement[]): void {
  const sample = elements.map((element) => (element.kind === 'literal' ? element.text : 'x')).join('/');
  try {
    parseTarget(`/${sample}`);
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    throw new PatternRefused(
      'bad_path',
      `No request can have the path ${quote(source)}: ${decapitalize(error.message)}`,
      'Such requests are refused before they are matched.',
    );
  }
}

/**
 * Compiles a regular expression that must match the whole path, in RE2 syntax, in linear time.
 * @throws PatternRefused
 */
export function compileRegex(source: string, caseSensitive = true): PathPattern {
  if (source.length > maxPatternLength) {
    throw new PatternRefused(
      'bad_regex',
      `The regular expression has more than ${maxPatternLength} characters.`,
      'Split it into several routes.',
    );
  }
  const effective = caseSensitive ? source : `(?i)${source}`;
  try {
    const compiled = RE2JS.compile(effective);
    return { kind: 'regex', source: effective, test: (path) => compiled.matches(path) };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new PatternRefused(
      'bad_regex',
      `The regular expression ${quote(source)} cannot be used: ${error.message}.`,
      regexHint(source),
    );
  }
}

function regexHint(source: string): string {
  if (/\(\?<?[=!]/.test(source)) {
    return 'Look-arounds are not supported, so that no path can make matching slow: write a route for each case, the more specific path wins.';
  }
  if (/\\[1-9]|\\k</.test(source)) {
    return 'Back-references are not supported, so that no path can make matching slow.';
  }
  return 'The syntax is RE2: https://github.com/google/re2/wiki/Syntax';
}

/** The path pattern as it stands in the file. */
export function pathText(path: PathPattern): string {
  return path.kind === 'regex' ? `regex ${path.source}` : path.source;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

function decapitalize(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
