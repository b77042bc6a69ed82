import { parseTarget, TargetRefused } from '../check/target.ts';
import { checkAddresses, compileResilience } from './compile-resilience.ts';
import { durationInMilliseconds } from './duration.ts';
import { mapping } from './entries.ts';
import type { Backend, Timeouts } from './model.ts';
import type { Report } from './report.ts';
import type { BackendEntry } from './schema.ts';
import type { Path } from './source.ts';

/** Compiles one entry of `backends`. */
export function compileBackend(name: string, entry: BackendEntry): Backend {
  const timeout = (which: keyof Timeouts, standard: number) => {
    const text = entry.timeouts?.[which];
    return text === undefined ? standard : durationInMilliseconds(text);
  };
  const resilience = compileResilience(entry);
  return Object.freeze({
    name,
    ...resilience,
    url: resilience.urls[0] ?? '',
    health: typeof entry.health === 'object' ? entry.health.path : entry.health,
    timeouts: Object.freeze({
      connect: timeout('connect', 1000),
      request: timeout('request', 30_000),
      idle: timeout('idle', 60_000),
    }),
    identity: entry.identity ?? false,
    host: entry.host ?? 'preserve',
  });
}

/** Reports what the schema cannot see in an entry of `backends`, whatever else is wrong with it. */
export function checkBackend(name: string, entry: Record<string, unknown>, report: Report): void {
  const { url, urls, health } = entry;
  const at = ['backends', name];
  checkAddresses(name, entry, report);
  if (typeof url === 'string') checkUrl(url, name, [...at, 'url'], report);
  if (Array.isArray(urls)) {
    urls.forEach((one, index) => {
      if (typeof one === 'string') checkUrl(one, name, [...at, 'urls', index], report);
    });
  }
  const { path } = mapping(health);
  if (typeof health === 'string') checkPath(health, [...at, 'health'], report);
  if (typeof path === 'string') checkPath(path, [...at, 'health', 'path'], report);
}

/** Reports a path that no request may have; the facade sends it itself, so it may have a query. */
export function checkPath(text: string, path: Path, report: Report): void {
  try {
    if (parseTarget(text).authority === undefined) return;
    report.problem(
      'bad_path',
      report.source.valueAt(path),
      'A whole URL stands where a path should.',
      'Start it with "/".',
    );
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    report.problem(
      'bad_path',
      report.source.valueAt(path),
      `${JSON.stringify(text)} is not a path: ${error.message}`,
      error.hint,
    );
  }
}

/** A url has no path, query or credentials. Messages do not show it: it may hold a password. */
function checkUrl(text: string, name: string, path: Path, report: Report): void {
  const fault = urlFault(text);
  if (fault === undefined) return;
  report.problem(
    'bad_url',
    report.source.valueAt(path),
    `The url of backend "${name}" ${fault.what}.`,
    fault.hint,
  );
}

function urlFault(text: string): { what: string; hint: string } | undefined {
  const url = URL.parse(text);
  if (url === null || !/^[a-z]+:\/\//i.test(text)) {
    return { what: 'is not a URL', hint: 'Write http://host:port, such as http://127.0.0.1:4000.' };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return {
      what: `has the scheme ${url.protocol.slice(0, -1)}`,
      hint: 'Only http and https are forwarded to; WebSockets use http too.',
    };
  }
  if (url.username !== '' || url.password !== '') {
    return {
      what: 'has a user name or password',
      hint: 'Remove what stands before "@": credentials do not belong in this file.',
    };
  }
  if (url.pathname !== '/') {
    return { what: 'has a path', hint: `Write only ${url.origin}: requests keep their own path.` };
  }
  if (/[?#]/.test(text)) return { what: 'has a query or fragment', hint: `Write only ${url.origin}.` };
  return undefined;
}
