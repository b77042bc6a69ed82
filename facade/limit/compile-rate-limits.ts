import { durationInMilliseconds } from '../routes/duration.ts';
import { mapping, tolerant } from '../routes/entries.ts';
import type { Report } from '../routes/report.ts';
import type { Path } from '../routes/source.ts';
import { suggestion } from '../routes/suggest.ts';
import type { RateLimit, RateLimitBy } from './rate-limit.ts';
import { policyItem } from './rate-limit-headers.ts';
import { type RateLimitEntry, type RateLimitPolicyEntry, rateLimitPolicy } from './schema.ts';

/** The file's `rateLimits` by name; undefined for one that is wrong, which has been reported. */
export type SharedRateLimits = ReadonlyMap<string, RateLimit | undefined>;

/** Compiles the file's `rateLimits`, as far as they can be understood. */
export function compileSharedRateLimits(value: unknown): SharedRateLimits {
  const shared = new Map<string, RateLimit | undefined>();
  for (const [name, policy] of Object.entries(mapping(value))) {
    const { entry } = tolerant(rateLimitPolicy, policy);
    shared.set(name, entry && compilePolicy(entry, `shared:${name}`, name));
  }
  return shared;
}

/** What a route needs of its surroundings to have rate limits. */
export interface RateLimited {
  readonly name: string;
  readonly rateLimit?: RateLimitEntry | undefined;
  readonly auth?: unknown;
}

/** Compiles a route's `rateLimit`, and reports names that are nobody's. */
export function compileRateLimits(
  { name, rateLimit, auth }: RateLimited,
  shared: SharedRateLimits,
  at: Path,
  report: Report,
): readonly RateLimit[] | undefined {
  if (rateLimit === undefined) return undefined;
  const entries = Array.isArray(rateLimit) ? rateLimit : [rateLimit];
  const limits = entries.flatMap((entry, index): RateLimit[] => {
    const path = Array.isArray(rateLimit) ? [...at, index] : at;
    if (typeof entry !== 'string') {
      const own = index === 0 ? name : `${name}.${index + 1}`;
      return [compilePolicy(entry, `route:${own}`, own)];
    }
    if (!shared.has(entry)) {
      const names = [...shared.keys()];
      report.problem(
        'unknown_rate_limit',
        report.source.valueAt(path),
        `Route "${name}" has the rate limit "${entry}", which is not one of "rateLimits".`,
        names.length === 0 ? `Add "rateLimits: { ${entry}: … }".` : suggestion(entry, names),
      );
    }
    const limit = shared.get(entry);
    return limit === undefined ? [] : [limit];
  });
  if (auth === undefined && limits.some(({ by }) => by.kind === 'user')) {
    report.warning(
      'rate_limit_without_auth',
      report.source.keyAt(at),
      `Route "${name}" is limited by user and does not find out who calls, so everybody counts by address.`,
      'Add "auth: session", or say "by: address".',
    );
  }
  return Object.freeze(limits);
}

/** Shared limits that no route has do nothing. */
export function warnOfUnusedRateLimits(
  shared: SharedRateLimits,
  routes: readonly { readonly rateLimits: readonly RateLimit[] | undefined }[],
  report: Report,
): void {
  const used = new Set(routes.flatMap(({ rateLimits = [] }) => rateLimits));
  for (const [name, limit] of shared) {
    if (limit === undefined || used.has(limit)) continue;
    report.warning(
      'rate_limit_unused',
      report.source.keyAt(['rateLimits', name]),
      `No route has the rate limit "${name}".`,
      `Say "rateLimit: ${name}" in the routes that share it.`,
    );
  }
}

function compilePolicy(entry: RateLimitPolicyEntry, id: string, name: string): RateLimit {
  const { requests, per, burst = requests } = entry;
  const milliseconds = durationInMilliseconds(per);
  return Object.freeze({
    id,
    name,
    capacity: burst,
    interval: milliseconds / requests,
    by: Object.freeze(compileBy(entry.by)),
    policy: policyItem(name, requests, milliseconds, burst),
  });
}

function compileBy(by: RateLimitPolicyEntry['by']): RateLimitBy {
  if (by === undefined || typeof by === 'string') return { kind: by ?? 'address' };
  if (by.cookie !== undefined) return { kind: 'cookie', name: by.cookie };
  return { kind: 'header', name: (by.header ?? '').toLowerCase() };
}
