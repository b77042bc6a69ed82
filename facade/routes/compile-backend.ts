import { parseTarget, TargetRefused } from '../check/target.ts';
import { durationInMilliseconds } from './duration.ts';
import type { Backend } from './model.ts';
import type { Report } from './report.ts';
import type { BackendEntry } from './schema.ts';
import type { Path, Source } from './source.ts';

const day = 24 * 3_600_000;

/** Compiles one entry of `backends`, and reports what the schema cannot see. */
export function compileBackend(name: string, entry: BackendEntry, source: Source, report: Report): Backend {
  const path = ['backends', name];
  const timeout = (which: 'connect' | 'request' | 'idle', standard: number) => {
    const text = entry.timeouts?.[which];
    if (text === undefined) return standard;
    return checkedDuration(text, [...path, 'timeouts', which], 1, source, report);
  };
  if (entry.health !== undefined) checkPath(entry.health, [...path, 'health'], source, report);
  return Object.freeze({
    name,
    url: checkedOrigin(entry.url, name, [...path, 'url'], source, report),
    health: entry.health,
    timeouts: Object.freeze({
      connect: timeout('connect', 1000),
      request: timeout('request', 30_000),
      idle: timeout('idle', 60_000),
    }),
    identity: entry.identity ?? false,
    host: entry.host ?? 'preserve',
  });
}

/** Milliseconds of a duration between `least` and a day. */
export function checkedDuration(
  text: string,
  path: Path,
  least: number,
  source: Source,
  report: Report,
): number {
  const milliseconds = durationInMilliseconds(text);
  if (milliseconds < least || milliseconds > day) {
    const bounds = least === 0 ? 'at most 24h' : `from ${least}ms to 24h`;
    report.problem(
      'bad_duration',
      source.valueAt(path),
      `The duration ${text} is out of range.`,
      `It may be ${bounds}.`,
    );
  }
  return milliseconds;
}

/** Reports a path that no request may have; the facade sends it itself, so it may have a query. */
export function checkPath(text: string, path: Path, source: Source, report: Report): void {
  try {
    if (parseTarget(text).authority === undefined) return;
    report.problem(
      'bad_path',
      source.valueAt(path),
      'A whole URL stands where a path should.',
      'Start it with "/".',
    );
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    report.problem(
      'bad_path',
      source.valueAt(path),
      `${JSON.stringify(text)} is not a path: ${error.message}`,
      error.hint,
    );
  }
}

/** A url without path, query or credentials. Messages do not show it: it may hold a password. */
function checkedOrigin(text: string, name: string, path: Path, source: Source, report: Report): string {
  const refuse = (message: string, hint: string) => {
    if (!source.unresolved.has(path.join('\0'))) {
      report.problem('bad_url', source.valueAt(path), `The url of backend "${name}" ${message}.`, hint);
    }
    return '';
  };
  const url = URL.parse(text);
  if (url === null || !/^[a-z]+:\/\//i.test(text)) {
    return refuse('is not a URL', 'Write http://host:port, such as http://127.0.0.1:4000.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refuse(
      `has the scheme ${url.protocol.slice(0, -1)}`,
      'Only http and https are forwarded to; WebSockets use http too.',
    );
  }
  if (url.username !== '' || url.password !== '') {
    return refuse(
      'has a user name or password',
      'Remove what stands before "@": credentials do not belong in this file.',
    );
  }
  if (url.pathname !== '/')
    return refuse('has a path', `Write only ${url.origin}: requests keep their own path.`);
  if (/[?#]/.test(text)) return refuse('has a query or fragment', `Write only ${url.origin}.`);
  return url.origin;
}
