import { parseTarget, TargetRefused } from '../check/target.ts';
import type { Match } from '../routes/model.ts';
import type { Report } from '../routes/report.ts';
import { type Path, pathKey } from '../routes/source.ts';
import { suggestion } from '../routes/suggest.ts';
import { forbiddenHeader } from './forbidden-header.ts';
import type { AnswerRewrite, HeaderChanges, NewElement, PathRewrite, Rewrite } from './rewrite.ts';
import type { HeaderChangesEntry, RewriteEntry } from './schema.ts';

/**
 * Compiles a route's `rewrite`, and reports what the schema cannot see in it.
 * @param match undefined where that is wrong, which has been reported.
 */
export function compileRewrite(
  entry: RewriteEntry,
  match: Match | undefined,
  at: Path,
  report: Report,
): Rewrite {
  return Object.freeze({
    path: compilePath(entry, match, at, report),
    requestHeaders: compileChanges(entry.requestHeaders, 'request', [...at, 'requestHeaders'], report),
    answer: compileAnswer(entry, at, report),
  });
}

function compileAnswer(entry: RewriteEntry, at: Path, report: Report): AnswerRewrite | undefined {
  const headers = compileChanges(entry.responseHeaders, 'answer', [...at, 'responseHeaders'], report);
  const location = entry.location ?? false;
  const cookieDomain =
    entry.cookieDomain &&
    new Map(
      Object.entries(entry.cookieDomain).map(([from, to]) => [from.replace(/^\./, '').toLowerCase(), to]),
    );
  if (headers === undefined && !location && cookieDomain === undefined) return undefined;
  return Object.freeze({ headers, location, cookieDomain });
}

function compilePath(
  { path, prefix }: RewriteEntry,
  match: Match | undefined,
  at: Path,
  report: Report,
): PathRewrite | undefined {
  if (path !== undefined && prefix !== undefined) {
    const hint = 'Keep "prefix" to keep what follows it, "path" to replace the whole path.';
    report.problem(
      'bad_rewrite',
      report.source.keyAt([...at, 'prefix']),
      'A rewrite has either "path" or "prefix".',
      hint,
    );
    return undefined;
  }
  const source = path ?? prefix;
  if (source === undefined) return undefined;
  const place = [...at, path === undefined ? 'prefix' : 'path'];
  const texts = elementsOf(source, prefix !== undefined, place, report);
  if (texts === undefined || match === undefined) return undefined;
  const from = match.path;
  if (prefix !== undefined && (from.kind !== 'elements' || !from.prefix)) {
    report.problem(
      'bad_rewrite',
      report.source.valueAt(place),
      `The match ${JSON.stringify(from.source)} has no prefix that could be replaced.`,
      'Match a path that ends in "/*", or write "path:" for the whole new path.',
    );
    return undefined;
  }
  const elements = texts.map((text) => compileElement(text, match, place, report));
  const replaces = prefix === undefined || from.kind !== 'elements' ? undefined : from.elements.length;
  return Object.freeze({ source, elements: Object.freeze(elements), replaces });
}

/** The elements as they travel; undefined, and reported, where no backend could be asked for them. */
function elementsOf(source: string, prefix: boolean, at: Path, report: Report): string[] | undefined {
  const refuse = (why: string, hint: string) => {
    const place = report.source.valueAt(at);
    report.problem('bad_rewrite', place, `The rewrite to ${JSON.stringify(source)} ${why}.`, hint);
    return undefined;
  };
  if (report.source.unresolved.has(pathKey(at))) return undefined;
  if (!source.startsWith('/')) return refuse('does not start with "/"', `Write "/${source}".`);
  if (/[?#*]/.test(source)) {
    return refuse(
      'has a "?", "#" or "*"',
      'Write the path alone: the query stays as received, and so does what "*" stands for.',
    );
  }
  const texts = source
    .slice(1)
    .split('/')
    .map((text) => text.replace(/[^\x21-\x7e]+/gu, (part) => encodeURIComponent(part)));
  if (texts.slice(0, -1).includes(''))
    return refuse('has an empty element', 'Write one "/" between two elements.');
  try {
    parseTarget(`/${texts.join('/')}`);
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    return refuse(
      `is not a path that can be asked for: ${error.message.replace(/\.$/, '')}`,
      error.hint ?? '',
    );
  }
  // What follows the prefix brings its own slash.
  if (prefix && texts.at(-1) === '') texts.pop();
  return texts;
}

function compileElement(text: string, { path }: Match, at: Path, report: Report): NewElement {
  if (!text.startsWith(':')) return Object.freeze({ kind: 'literal', text });
  const names =
    path.kind === 'elements'
      ? path.elements.map((element) => (element.kind === 'parameter' ? `:${element.name}` : ''))
      : [];
  const index = names.indexOf(text);
  if (index === -1) {
    const known = names.filter((name) => name !== '');
    report.problem(
      'bad_rewrite',
      report.source.valueAt(at),
      `The match ${JSON.stringify(path.source)} has no parameter ${text}.`,
      known.length === 0 ? 'It has none.' : suggestion(text, known),
    );
  }
  return Object.freeze({ kind: 'received', index });
}

function compileChanges(
  entry: HeaderChangesEntry | undefined,
  of: 'request' | 'answer',
  at: Path,
  report: Report,
): HeaderChanges | undefined {
  if (entry === undefined) return undefined;
  const { set = {}, add = {}, remove = [] } = entry;
  const drop = new Set<string>();
  const append: string[] = [];
  const check = (name: string, place: Path) => {
    const lower = name.toLowerCase();
    const why = forbiddenHeader(lower, of);
    if (why !== undefined) {
      report.problem(
        'bad_header',
        report.source.keyAt(place),
        `The header "${name}" ${why}.`,
        'Leave it out.',
      );
    }
    return lower;
  };
  for (const [index, name] of remove.entries()) drop.add(check(name, [...at, 'remove', index]));
  for (const [key, values] of [
    ['set', set],
    ['add', add],
  ] as const) {
    for (const [name, value] of Object.entries(values)) {
      const place = [...at, key, name];
      const lower = check(name, place);
      if (key === 'set' && drop.has(lower)) {
        const hint = 'Keep one: what is set replaces what was there.';
        report.problem(
          'bad_header',
          report.source.keyAt(place),
          `The header "${name}" is here a second time.`,
          hint,
        );
      }
      if (key === 'set') drop.add(lower);
      checkValue(name, value, place, report);
      append.push(name, value);
    }
  }
  return Object.freeze({ drop, append: Object.freeze(append) });
}

/** Messages do not show a value: it may come from the environment and be a secret. */
function checkValue(name: string, value: string, at: Path, report: Report): void {
  if (/^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(value)) return;
  report.problem(
    'bad_header',
    report.source.valueAt(at),
    `The value of the header "${name}" has a line break, another control character, a space at an end or something that is not ASCII.`,
    'Write plain ASCII on one line.',
  );
}
