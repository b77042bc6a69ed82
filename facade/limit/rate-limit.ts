/** A token bucket of routes.yaml: each of those whom it tells apart has one. */
export interface RateLimit {
  /** Whose buckets they are: the same after a reload, and in every facade. */
  readonly id: string;
  /** What clients are told it is called. */
  readonly name: string;
  /** Requests that may come at once. */
  readonly capacity: number;
  /** Milliseconds in which one request more is let through. */
  readonly interval: number;
  readonly by: RateLimitBy;
  /** Its item of the RateLimit-Policy header. */
  readonly policy: string;
}

export type RateLimitBy =
  | { readonly kind: 'address' }
  | { readonly kind: 'user' }
  | { readonly kind: 'everyone' }
  /** The name in lower case. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string };
