import { durationInMilliseconds } from './duration.ts';
import type {
  BackendResilience,
  BreakerSettings,
  HealthCheckSettings,
  RetrySettings,
  RouteFallback,
} from './model-resilience.ts';
import type { Report } from './report.ts';
import type { BackendEntry, RouteEntry } from './schema.ts';
import { sizeInBytes } from './size.ts';
import type { Path } from './source.ts';

/** Fills in what an entry of `backends` leaves open about failure and load. */
export function compileResilience(entry: BackendEntry): BackendResilience {
  const { bulkhead, ejection } = entry;
  const urls = (entry.urls ?? [entry.url ?? '']).map((url) => URL.parse(url)?.origin ?? '');
  return {
    urls: Object.freeze(urls),
    balance: entry.balance ?? 'round-robin',
    healthChecks: healthChecks(entry, urls.length),
    ejection: Object.freeze({
      failures: ejection?.failures ?? 5,
      for: milliseconds(ejection?.for, 30_000),
    }),
    retries: retries(entry),
    breaker: breaker(entry),
    bulkhead: Object.freeze({
      requests: bulkhead?.requests ?? 1024,
      queue: bulkhead?.queue ?? 256,
      wait: milliseconds(bulkhead?.wait, 500),
    }),
  };
}

function healthChecks({ health }: BackendEntry, urls: number): HealthCheckSettings | undefined {
  if (health === undefined || (typeof health === 'string' && urls === 1)) return undefined;
  const given = typeof health === 'string' ? { path: health } : health;
  return Object.freeze({
    path: given.path,
    interval: milliseconds(given.interval, 5_000),
    timeout: milliseconds(given.timeout, 2_000),
    unhealthyAfter: given.unhealthyAfter ?? 3,
    healthyAfter: given.healthyAfter ?? 2,
  });
}

function retries({ retries: given }: BackendEntry): RetrySettings | undefined {
  if (given === undefined) return undefined;
  return Object.freeze({
    attempts: given.attempts ?? 2,
    backoff: milliseconds(given.backoff, 25),
    budget: Number.parseFloat(given.budget ?? '20%') / 100,
    idempotent: given.idempotent ?? false,
  });
}

function breaker({ breaker: given }: BackendEntry): BreakerSettings | undefined {
  if (given === false) return undefined;
  return Object.freeze({
    failures: given?.failures ?? 5,
    within: milliseconds(given?.within, 30_000),
    coolDown: milliseconds(given?.coolDown, 30_000),
    successes: given?.successes ?? 3,
  });
}

/** Compiles a route's `fallback` and the keys that go with it. */
export function compileFallback(entry: RouteEntry): RouteFallback | undefined {
  if (entry.fallback === undefined) return undefined;
  return Object.freeze({
    backend: entry.fallback,
    on: Object.freeze(entry.fallbackOn ?? [502, 503, 504]),
    body: sizeInBytes(entry.fallbackBody ?? '64KiB'),
    idempotencyKey: entry.idempotencyKey === 'honoured',
  });
}

/**
 * Reports what the schema cannot see in a route's `fallback`.
 * @param targets the backends that get any of the route's requests.
 */
export function checkFallback(
  entry: RouteEntry,
  writes: boolean,
  targets: readonly string[],
  at: Path,
  report: Report,
): void {
  const { name, group, fallback } = entry;
  if (fallback === undefined) {
    for (const key of ['fallbackOn', 'fallbackBody', 'idempotencyKey'] as const) {
      if (entry[key] === undefined) continue;
      report.problem(
        'fallback_missing',
        report.source.keyAt([...at, key]),
        `Route "${name}" has "${key}", and no fallback for it.`,
        'Add "fallback: <backend>", or remove it.',
      );
    }
    return;
  }
  const where = () => report.source.valueAt([...at, 'fallback']);
  if (targets.length === 1 && targets[0] === fallback) {
    report.problem(
      'fallback_to_itself',
      where(),
      `Route "${name}" falls back to "${fallback}", where it goes anyway.`,
      'Name the other side, or remove "fallback".',
    );
  }
  // Not even where nothing reached the first: the side that does not own the data would write it.
  if (writes && group !== undefined) {
    report.problem(
      'fallback_on_writes',
      where(),
      `Route "${name}" cannot fall back: it writes the data of group "${group}", which one side owns.`,
      'Let the routes that read fall back. If this one does not write, say "writes: false".',
    );
  }
}

/** Reports urls that are missing, given twice, or in two ways; `url` itself is checked with each of `urls`. */
export function checkAddresses(name: string, entry: Record<string, unknown>, report: Report): void {
  const { url, urls } = entry;
  // A key whose variable is not set is there, and is reported for that.
  if (!('url' in entry || 'urls' in entry)) {
    report.problem(
      'missing_key',
      report.source.valueAt(['backends', name]),
      `The key "url" is missing in backend "${name}".`,
      'Such as "url: http://127.0.0.1:4000".',
    );
  }
  if (url !== undefined && urls !== undefined) {
    report.problem(
      'url_and_urls',
      report.source.keyAt(['backends', name, 'urls']),
      `Backend "${name}" has "url" and "urls".`,
      'List all of them in "urls".',
    );
  }
  if (!Array.isArray(urls)) return;
  const origins = urls.map((text) => (typeof text === 'string' ? URL.parse(text)?.origin : undefined));
  origins.forEach((origin, index) => {
    if (origin === undefined || origins.indexOf(origin) === index) return;
    report.problem(
      'duplicate_url',
      report.source.valueAt(['backends', name, 'urls', index]),
      `Backend "${name}" has the same url twice.`,
      'Remove one: it would get twice the requests, and be counted as two.',
    );
  });
}

function milliseconds(text: string | undefined, byDefault: number): number {
  return text === undefined ? byDefault : durationInMilliseconds(text);
}
