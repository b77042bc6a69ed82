import CachePolicy from 'http-cache-semantics';
import { type HeaderMap, headerMap, without } from './header-list.ts';

/** The head of an answer, with the request that it answers. */
export interface AnswerHead {
  readonly status: number;
  /** Names and values alternating, as the client is sent them, without what the facade adds for one client. */
  readonly headers: readonly string[];
  /** The request as the backend saw it. */
  readonly asked: HeaderMap;
  /** Somebody known made the request: only an answer that is `public` may be used for others. */
  readonly identified: boolean;
  /** Seconds for which an answer that says nothing counts as fresh. */
  readonly fresh: number;
}

/** How a kept answer may be used for a request. */
export type Use =
  | 'fresh'
  /** While it is fetched anew (RFC 5861, 3). */
  | 'stale'
  /** Only once the backend has said that it still holds. */
  | 'after_validation'
  /** The same, because the request wants it. */
  | 'after_validation_asked';

/** What is kept of an answer besides its body, and what RFC 9111 makes of it. */
export class StoredHead {
  readonly status: number;
  readonly headers: readonly string[];
  readonly #identified: boolean;
  readonly #fresh: number;
  readonly #policy: CachePolicy;
  readonly #validators: { readonly etag: string | undefined; readonly modified: string | undefined };
  /** Request headers that select it (RFC 9111, 4.1), with the values that they had. */
  readonly #selecting: readonly (readonly [string, string | undefined])[];
  readonly #mayBeStale: boolean;

  /** Undefined where the answer may not be kept, or nothing would come of it. */
  static of(head: AnswerHead): StoredHead | undefined {
    const headers = headerMap(head.headers);
    if (headers['set-cookie'] !== undefined || headers.trailer !== undefined) return undefined;
    if (headers.vary?.includes('*')) return undefined;
    const control = cacheControlOf(head, headers);
    if (head.identified && !hasDirective(control, 'public')) return undefined;
    const stored = { ...headers, 'cache-control': control };
    if (!policyOf(head, stored).storable()) return undefined;
    const kept = new StoredHead(head, headers, control);
    return kept.#policy.timeToLive() > 0 || kept.canBeValidated ? kept : undefined;
  }

  private constructor(head: AnswerHead, headers: HeaderMap, control: string) {
    this.status = head.status;
    this.headers = head.headers;
    this.#identified = head.identified;
    this.#fresh = head.fresh;
    this.#validators = { etag: headers.etag, modified: headers['last-modified'] };
    this.#selecting = namesIn(headers.vary ?? '').map((name) => [name, head.asked[name]]);
    // The library takes must-revalidate for "always", where it is about answers that are stale (RFC 9111, 5.2.2.2).
    const strict = hasDirective(control, 'must-revalidate') || hasDirective(control, 'proxy-revalidate');
    this.#mayBeStale = !strict;
    const eased = strict ? withoutDirectives(control, notWhenStrict) : control;
    this.#policy = policyOf(head, { ...headers, 'cache-control': eased });
  }

  get canBeValidated(): boolean {
    return this.#validators.etag !== undefined || this.#validators.modified !== undefined;
  }

  /** Seconds. */
  get age(): number {
    return Math.floor(this.#policy.age());
  }

  /** Seconds that it stays fresh; below 0 where it no longer is. */
  get timeToLive(): number {
    return Math.floor(this.#policy.maxAge() - this.#policy.age());
  }

  /** Whether it is the one that a request selects. */
  isSelectedBy(asked: HeaderMap): boolean {
    return this.#selecting.every(([name, value]) => asked[name] === value);
  }

  useFor(asked: HeaderMap): Use {
    const control = (asked['cache-control'] ?? '').toLowerCase();
    const wants = this.#limitsStaleness() ? withoutDirectives(control, maxStale) : control;
    const request = {
      method: 'GET',
      headers: { ...asked, 'cache-control': wants, pragma: asked.pragma ?? '' },
    };
    const { response, revalidation } = this.#policy.evaluateRequest(request);
    if (response === undefined) return this.#policy.stale() ? 'after_validation' : 'after_validation_asked';
    return revalidation === undefined ? 'fresh' : 'stale';
  }

  /** Whether it may be used because the backend fails (RFC 5861, 4). */
  useOnError(asked: HeaderMap): boolean {
    if (!this.#mayBeStale) return false;
    const failed = { status: 500, headers: {} };
    return this.#policy.revalidatedPolicy({ method: 'GET', headers: asked }, failed).policy === this.#policy;
  }

  /** Request headers that ask whether it still holds, in place of the client's own conditions. */
  validating(headers: readonly string[]): string[] {
    const { etag, modified } = this.#validators;
    const asking = without(headers, (name) => conditions.has(name));
    if (etag !== undefined) asking.push('if-none-match', etag);
    if (modified !== undefined) asking.push('if-modified-since', modified);
    return asking;
  }

  /** Whether a 304 is about this answer: one with another ETag is not (RFC 9111, 4.3.4). */
  isMeantBy(headers: readonly string[]): boolean {
    const { etag } = headerMap(headers);
    const own = this.#validators.etag;
    return etag === undefined || own === undefined || withoutWeakness(etag) === withoutWeakness(own);
  }

  /** The same answer, as the backend's 304 puts it (RFC 9111, 3.2 and 4.3.4); undefined: not to be kept any longer. */
  validated(headers: readonly string[], asked: HeaderMap): StoredHead | undefined {
    const said = headerMap(headers);
    const kept = without(this.headers, (name) => name === 'age' || (name in said && !ofBody.has(name)));
    const merged = [...kept, ...without(headers, (name) => ofBody.has(name))];
    const { status } = this;
    return StoredHead.of({
      status,
      headers: merged,
      asked,
      identified: this.#identified,
      fresh: this.#fresh,
    });
  }

  /** `s-maxage` says "no longer than this" of shared caches, whatever a client would put up with (5.2.2.10). */
  #limitsStaleness(): boolean {
    const control = headerMap(this.headers)['cache-control'] ?? '';
    return !this.#mayBeStale || hasDirective(control.toLowerCase(), 's-maxage');
  }
}

const conditions = new Set([
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
]);

/** What a 304 says of these is about its own body, of which there is none. */
const ofBody = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'content-type',
  'transfer-encoding',
]);
const notWhenStrict = new Set([
  'must-revalidate',
  'proxy-revalidate',
  'stale-if-error',
  'stale-while-revalidate',
]);
const maxStale = new Set(['max-stale']);

/** In lower case, which the library takes for granted. */
function cacheControlOf({ status, asked, fresh }: AnswerHead, headers: HeaderMap): string {
  const said = headers['cache-control'];
  if (said !== undefined) return said.toLowerCase();
  const silent = headers.expires === undefined && headers.pragma === undefined;
  const anonymous = asked.cookie === undefined && asked.authorization === undefined;
  return fresh > 0 && status === 200 && silent && anonymous ? `max-age=${fresh}` : '';
}

/** Nothing is guessed: an answer that says nothing is not fresh. */
function policyOf({ status, asked }: AnswerHead, headers: HeaderMap): CachePolicy {
  const request = { method: 'GET', headers: relevant(asked, headers.vary ?? '') };
  const kept = headers['cache-control'] === '' ? { ...headers, 'cache-control': undefined } : headers;
  return new CachePolicy(
    request,
    { status, headers: kept },
    { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 },
  );
}

function withoutWeakness(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}

/** The policy keeps them as long as the answer: so no cookie, and of credentials only that there were some. */
function relevant(asked: HeaderMap, vary: string): HeaderMap {
  const kept: HeaderMap = Object.create(null);
  for (const name of ['host', ...namesIn(vary)]) {
    const value = asked[name];
    if (value !== undefined) kept[name] = value;
  }
  if (asked['cache-control'] !== undefined) kept['cache-control'] = asked['cache-control'].toLowerCase();
  if (asked.authorization !== undefined) kept.authorization ??= 'given';
  return kept;
}

function namesIn(vary: string): string[] {
  return vary
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

/** @param control in lower case. */
function hasDirective(control: string, directive: string): boolean {
  return control.split(',').some((part) => part.split('=', 1)[0]?.trim() === directive);
}

function withoutDirectives(control: string, names: ReadonlySet<string>): string {
  return control
    .split(',')
    .filter((part) => !names.has(part.split('=', 1)[0]?.trim() ?? ''))
    .join(',');
}
