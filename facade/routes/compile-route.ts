import { compileCache } from '../cache/compile-cache.ts';
import { compileCompare } from '../compare/compile-compare.ts';
import type { CompareEntry } from '../compare/schema.ts';
import { checkCors, compileCors } from '../cors/compile-cors.ts';
import type { CorsEntry } from '../cors/schema.ts';
import { compileForce } from '../decide/force.ts';
import { compileFaults } from '../faults/compile-faults.ts';
import { compileAuth } from '../identify/auth.ts';
import { compileAddresses } from '../limit/compile-addresses.ts';
import { compileRateLimits, type SharedRateLimits } from '../limit/compile-rate-limits.ts';
import { compileRewrite } from '../rewrite/compile-rewrite.ts';
import { compileValidate } from '../validate/rule.ts';
import { checkFallback, compileFallback } from './compile-resilience.ts';
import type { Match, Route, Share, Sticky } from './model.ts';
import type { Report } from './report.ts';
import type { RouteEntry } from './schema.ts';
import { sizeInBytes } from './size.ts';
import type { Path } from './source.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What holds for routes that do not say otherwise. */
export interface RouteDefaults {
  readonly cors: CorsEntry | undefined;
  readonly rateLimits: SharedRateLimits;
}

/**
 * Compiles one entry of `routes`, and reports what the schema cannot see in it alone.
 * @param match its compiled match; undefined where that is wrong, which has been reported.
 * @param complete whether nothing in the entry was skipped; if not, what a key's absence means is not judged.
 */
export function compileRoute(
  entry: RouteEntry,
  match: Match | undefined,
  at: Path,
  complete: boolean,
  report: Report,
  defaults: RouteDefaults,
): Route | undefined {
  const shares = compileShares(entry, at, report);
  const writes = entry.writes ?? (match === undefined ? false : mayWrite(match));
  if (match !== undefined && complete) checkWrites(entry, writes, shares, at, report);
  checkCompare(entry, shares, at, report);
  const targets = takers(shares).map(({ backend }) => backend);
  checkFallback(entry, writes && match !== undefined && complete, targets, at, report);
  const compare = entry.compare === undefined ? undefined : compileCompare(entry.compare);
  const writesGroup = writes && entry.group !== undefined;
  const sides = { name: entry.name, shares, compare: compare?.with, writesGroup };
  const force = entry.force && compileForce(entry.force, sides, [...at, 'force'], report);
  const rewrite = entry.rewrite && compileRewrite(entry.rewrite, match, [...at, 'rewrite'], report);
  if (entry.cors) checkCors(entry.cors, [...at, 'cors'], report);
  const cors = entry.cors ?? defaults.cors;
  const rateLimits = compileRateLimits(entry, defaults.rateLimits, [...at, 'rateLimit'], report);
  const ofRoute = ` of route "${entry.name}"`;
  const addresses = compileAddresses(entry.addresses, [...at, 'addresses'], ofRoute, report);
  if (match === undefined) return undefined;
  return Object.freeze({
    name: entry.name,
    match,
    group: entry.group,
    writes,
    shares,
    sticky: compileSticky(entry),
    compare,
    force,
    rewrite,
    cors: cors ? compileCors(cors, match) : undefined,
    validate: entry.validate && compileValidate(entry.validate, report.folder),
    cache: entry.cache && compileCache(entry.cache, entry.name, entry.rewrite),
    fallback: compileFallback(entry),
    rateLimits,
    addresses,
    mostBody: entry.limits && sizeInBytes(entry.limits.body),
    faults: entry.faults && compileFaults(entry.faults),
    auth: entry.auth && compileAuth(entry.auth),
    at: report.source.valueAt(at),
  });
}

/** A route without methods takes all of them, and so writes. */
function mayWrite(match: Match): boolean {
  return match.methods === undefined || match.methods.some((method) => !safeMethods.has(method));
}

function compileShares({ name, to }: RouteEntry, at: Path, report: Report): readonly Share[] {
  const shares = typeof to === 'string' ? [{ backend: to, weight: 1 }] : weighted(to);
  if (shares.length === 0) {
    report.problem(
      'bad_weight',
      report.source.valueAt([...at, 'to']),
      `Route "${name}" goes to no backend.`,
      'Name at least one.',
    );
  } else if (shares.every(({ weight }) => weight === 0)) {
    report.problem(
      'all_weights_zero',
      report.source.valueAt([...at, 'to']),
      `All weights of route "${name}" are 0, so nobody would answer.`,
      'Give one backend a weight above 0.',
    );
  }
  return Object.freeze(shares.map((share) => Object.freeze(share)));
}

function weighted(to: Readonly<Record<string, number>>): Share[] {
  const shares = Object.entries(to).map(([backend, weight]) => ({ backend, weight }));
  return shares.sort((a, b) => (a.backend < b.backend ? -1 : 1));
}

function checkWrites(
  { name, group, compare, match, cache }: RouteEntry,
  writes: boolean,
  shares: readonly Share[],
  at: Path,
  report: Report,
): void {
  if (!writes) return;
  const why = match.method === undefined ? 'it takes every method, and so writes' : 'it writes';
  const remedy =
    match.method === undefined
      ? 'List "method: GET" for the reads, or say "writes: false".'
      : 'If it does not, say "writes: false".';
  if (group !== undefined && takers(shares).length > 1) {
    report.problem(
      'weights_on_writes',
      report.source.valueAt([...at, 'to']),
      `Route "${name}" divides the writes of group "${group}" between backends (${why}): one side owns the data.`,
      `Send it to one backend. ${remedy}`,
    );
  }
  if (cache !== undefined) {
    report.problem(
      'cache_on_writes',
      report.source.keyAt([...at, 'cache']),
      `Answers of route "${name}" cannot be kept: ${why}.`,
      remedy,
    );
  }
  if (compare === undefined) return;
  const saidSafe = typeof compare === 'object' && compare.writesSafe === true;
  if (saidSafe && group !== undefined) {
    report.problem(
      'compare_writes_group',
      report.source.keyAt([...at, 'compare', 'writesSafe']),
      `Route "${name}" would write the data of group "${group}" on both sides (${why}): one side owns the data.`,
      `${remedy} Otherwise remove "compare": only the group's reads can be compared.`,
    );
  }
  if (!saidSafe) {
    const orSafe = `If writing twice does no harm, say "compare: { with: ${nameOfCompared(compare)}, writesSafe: true }".`;
    report.problem(
      'compare_on_writes',
      report.source.valueAt([...at, 'compare']),
      `Route "${name}" cannot be compared: ${why}, and would write twice.`,
      `Compare the routes that read. ${remedy}${group === undefined ? ` ${orSafe}` : ''}`,
    );
  }
}

function checkCompare(
  { name, compare }: RouteEntry,
  shares: readonly Share[],
  at: Path,
  report: Report,
): void {
  const [only, ...others] = takers(shares);
  if (compare === undefined) return;
  const other = nameOfCompared(compare);
  if (only?.backend !== other || others.length > 0) return;
  report.problem(
    'compare_with_itself',
    report.source.valueAt(typeof compare === 'string' ? [...at, 'compare'] : [...at, 'compare', 'with']),
    `Route "${name}" compares "${other}" with itself.`,
    'Name the other side, or remove "compare".',
  );
}

function nameOfCompared(compare: CompareEntry): string {
  return typeof compare === 'string' ? compare : compare.with;
}

/** The shares that anybody is sent to. */
function takers(shares: readonly Share[]): Share[] {
  return shares.filter(({ weight }) => weight > 0);
}

function compileSticky({ sticky }: RouteEntry): Sticky | undefined {
  if (sticky === undefined) return undefined;
  if (sticky === 'address') return Object.freeze({ by: 'address' });
  if (sticky.cookie !== undefined) return Object.freeze({ by: 'cookie', name: sticky.cookie });
  return Object.freeze({ by: 'header', name: (sticky.header ?? '').toLowerCase() });
}
