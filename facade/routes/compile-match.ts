import type { Match, NamedValue, PathPattern } from './model.ts';
import { compilePath, compileRegex, PatternRefused } from './path-pattern.ts';
import type { Report } from './report.ts';
import { type MatchEntry, methods } from './schema.ts';
import type { Path } from './source.ts';
import type { Spelling } from './spelling.ts';
import { suggestion } from './suggest.ts';

/** Compiles a route's `match`; undefined, with the reasons reported, where it cannot be. */
export function compileMatch(
  entry: MatchEntry,
  spelling: Spelling,
  at: Path,
  report: Report,
): Match | undefined {
  const before = report.problems.length;
  const path = attempt(() => compilePathEntry(entry, spelling), [...at, 'path'], report);
  const host = attempt(() => compileHost(entry.host), [...at, 'host'], report);
  const match = {
    host,
    methods: compileMethods(entry.method, [...at, 'method'], report),
    headers: namedValues(entry.headers, true, [...at, 'headers'], report),
    query: namedValues(entry.query, false, [...at, 'query'], report),
    cookies: namedValues(entry.cookies, false, [...at, 'cookies'], report),
  };
  if (path === undefined || report.problems.length > before) return undefined;
  return Object.freeze({ ...match, path });
}

function attempt<T>(compile: () => T, at: Path, report: Report): T | undefined {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof PatternRefused)) throw error;
    report.problem(error.code, report.source.valueAt(at), error.message, error.hint);
    return undefined;
  }
}

function compilePathEntry({ path }: MatchEntry, spelling: Spelling): PathPattern {
  const compiled =
    typeof path === 'string' ? compilePath(path, spelling) : compileRegex(path.regex, spelling.caseSensitive);
  return Object.freeze(compiled);
}

function compileMethods(
  entry: string | readonly string[] | undefined,
  at: Path,
  report: Report,
): readonly string[] | undefined {
  if (entry === undefined) return undefined;
  const listed = typeof entry === 'string' ? [entry] : entry;
  listed.forEach((method, index) => {
    const place = () => report.source.valueAt(typeof entry === 'string' ? at : [...at, index]);
    if (!methods.includes(method)) {
      report.problem(
        'unknown_method',
        place(),
        `There is no method ${JSON.stringify(method)}.`,
        suggestion(method, methods),
      );
    } else if (listed.indexOf(method) < index) {
      report.problem('duplicate_method', place(), `The method ${method} is listed twice.`, 'Remove one.');
    }
  });
  return Object.freeze([...listed].sort());
}

function namedValues(
  entry: Readonly<Record<string, string>> | undefined,
  foldCase: boolean,
  at: Path,
  report: Report,
): readonly NamedValue[] {
  const seen = new Set<string>();
  const values = Object.entries(entry ?? {}).map(([written, value]) => {
    const name = foldCase ? written.toLowerCase() : written;
    if (seen.has(name)) {
      report.problem(
        'duplicate_key',
        report.source.keyAt([...at, written]),
        `The header "${name}" is here a second time.`,
        'Header names are the same in upper and lower case. Keep one.',
      );
    }
    seen.add(name);
    return Object.freeze({ name, value });
  });
  return Object.freeze(values.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const ipv6 = /^\[[0-9a-f:.]+\]$/;

/** A host in lower case, without port; `*.example.org` for any below. */
function compileHost(source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const refuse = (why: string, hint: string) =>
    new PatternRefused('bad_host', `The host ${JSON.stringify(source)} ${why}.`, hint);
  const host = source.toLowerCase().replace(/\.$/, '');
  if (host.includes('/')) throw refuse('is not a host name', 'Write shop.example, without scheme or path.');
  if (ipv6.test(host)) return host;
  if (host.includes(':')) throw refuse('has a port', 'Leave it out: ports are not matched.');
  if (/[^\x21-\x7e]/.test(host))
    throw refuse('is not plain ASCII', 'Write it as clients send it, in Punycode: xn--….');
  const name = host.startsWith('*.') ? host.slice(2) : host;
  if (name.includes('*')) {
    throw refuse(
      'has a "*" that is not its first label',
      'Write *.shop.example; for any host leave "host" out.',
    );
  }
  if (host.length > 253 || !name.split('.').every((part) => label.test(part))) {
    throw refuse('is not a host name', 'Write shop.example, or *.shop.example for any below it.');
  }
  return host;
}
