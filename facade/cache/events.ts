/** What became of a request of a route that keeps answers, as metrics name it. */
export type CacheResult =
  /** Answered from memory. */
  | 'hit'
  /** Answered from memory with something old, while it is fetched anew. */
  | 'stale'
  /** Answered from memory with something old, because the backend fails. */
  | 'stale_if_error'
  /** The backend said that what is kept still holds. */
  | 'validated'
  /** Answered with what another request, that came just before, has fetched. */
  | 'collapsed'
  /** Nothing usable was kept. */
  | 'miss'
  /** What was kept is old. */
  | 'expired'
  /** The request is one that is not looked up. */
  | 'bypass'
  /** The request wanted nothing but what is kept, and there was nothing. */
  | 'only_if_cached';

/** Told of what the cache does. */
export interface CacheEvents {
  requested(route: string, result: CacheResult): void;
  stored(route: string): void;
  evicted(): void;
  /** @param answers how many were dropped because of one request. */
  invalidated(route: string, answers: number): void;
}
