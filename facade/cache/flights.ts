import type { ServerResponse } from 'node:http';
import { Deadline } from '../forward/deadlines.ts';

/** Milliseconds that a request waits for the answer to another one like it before it asks for itself. */
const longestWait = 5_000;

/** Milliseconds for which requests do not wait for each other where the last answer could not be kept. */
const restAfterPass = 5_000;
const mostPasses = 10_000;

/** An answer on its way that others wait for. */
export interface Flight {
  /** A request that may have changed it has been answered meanwhile. */
  outdated: boolean;
  /** Nobody needs to wait any longer, whatever came of it. */
  land(): void;
}

interface Airborne extends Flight {
  readonly uri: string;
  readonly landed: Promise<void>;
}

/** Answers on their way into the cache: one request is sent, and others like it wait for what it brings. */
export class Flights {
  /** The one that others wait for, by key. */
  readonly #leading = new Map<string, Airborne>();
  readonly #byUri = new Map<string, Set<Airborne>>();
  /** Keys whose answers cannot be kept, and until when that is taken for granted. */
  readonly #passes = new Map<string, number>();

  /** Undefined where there is none to wait for. */
  to(key: string): Flight | undefined {
    return this.#leading.get(key);
  }

  begin(key: string, uri: string, leads: boolean): Flight {
    const { promise: landed, resolve } = Promise.withResolvers<void>();
    const flight: Airborne = {
      uri,
      outdated: false,
      landed,
      land: () => {
        if (this.#leading.get(key) === flight) this.#leading.delete(key);
        const others = this.#byUri.get(uri);
        others?.delete(flight);
        if (others?.size === 0) this.#byUri.delete(uri);
        resolve();
      },
    };
    if (leads && !this.#leading.has(key) && !this.#isPass(key)) this.#leading.set(key, flight);
    const others = this.#byUri.get(uri);
    if (others === undefined) this.#byUri.set(uri, new Set([flight]));
    else others.add(flight);
    return flight;
  }

  /** Waits for what a flight brings, as long as the client does. */
  async wait(flight: Flight, response: ServerResponse): Promise<void> {
    const over = Promise.withResolvers<void>();
    const deadline = new Deadline(over.resolve);
    deadline.set(longestWait);
    response.once('close', over.resolve);
    await Promise.race([(flight as Airborne).landed, over.promise]);
    response.off('close', over.resolve);
    deadline.clear();
  }

  /** What is on its way for a target may be from before it was changed: it is not to be kept. */
  outdate(uri: string): void {
    for (const flight of this.#byUri.get(uri) ?? []) {
      flight.outdated = true;
      flight.land();
    }
  }

  /** The answers of a key cannot be kept, so nobody is to wait for them. */
  pass(key: string): void {
    if (this.#passes.size >= mostPasses) this.#passes.clear();
    this.#passes.set(key, performance.now() + restAfterPass);
  }

  #isPass(key: string): boolean {
    const until = this.#passes.get(key);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.#passes.delete(key);
    return false;
  }
}
