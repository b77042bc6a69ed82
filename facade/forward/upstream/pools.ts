import { Pool } from './pool.ts';

/** A pool of connections for each address that is asked. */
export class Pools {
  readonly #pools = new Map<string, Pool>();

  of(url: string): Pool {
    let pool = this.#pools.get(url);
    if (pool === undefined) {
      pool = new Pool(url);
      this.#pools.set(url, pool);
    }
    return pool;
  }

  /** Ends connections to other addresses, after what runs on them. */
  retain(urls: ReadonlySet<string>): void {
    for (const [url, pool] of this.#pools) {
      if (urls.has(url)) continue;
      this.#pools.delete(url);
      pool.close();
    }
  }

  /** Ends all connections now. */
  destroy(): void {
    for (const pool of this.#pools.values()) pool.destroy();
    this.#pools.clear();
  }
}
