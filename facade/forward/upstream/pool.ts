import { Connection, type Place } from './connection.ts';

/** Milliseconds that an idle connection is kept where its backend does not say how long it keeps it. */
const keptFor = 4_000;

/** By so much sooner than the backend is an idle connection closed here: a request may be on its way already. */
const margin = 1_000;

/** Milliseconds between two looks for connections that have been idle for too long. */
const sweepInterval = 1_000;

/** The connections to one address: any number in use, and those that wait for the next request. */
export class Pool {
  readonly #place: Place;
  /** The one that was used last is at the end, and the first to be used again; the others may go. */
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  #sweeping: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param url http:// or https://, without a path. */
  constructor(url: string) {
    this.#place = placeOf(url);
  }

  /** An idle connection, or a new one, which may not be there yet. */
  take(): Connection {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.reusable && !isStale(connection, performance.now())) return connection;
      connection.destroy();
    }
    return this.open();
  }

  /** A new connection. */
  open(): Connection {
    const connection = new Connection(this.#place, (gone) => this.#all.delete(gone));
    this.#all.add(connection);
    return connection;
  }

  /** Takes a connection back for the next request. */
  give(connection: Connection): void {
    connection.leave();
    if (this.#closed || !connection.reusable) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#sweeping ??= setInterval(() => this.#sweep(), sweepInterval).unref();
  }

  /** Ends the idle connections now, and each of the others after its request. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeping);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Ends all connections now. */
  destroy(): void {
    this.close();
    for (const connection of this.#all) connection.destroy();
  }

  #sweep(): void {
    const now = performance.now();
    // The longest idle come first.
    let stale = 0;
    while (stale < this.#idle.length && isStale(this.#idle[stale] as Connection, now)) stale++;
    for (const connection of this.#idle.splice(0, stale)) connection.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }
}

function isStale(connection: Connection, now: number): boolean {
  const kept = connection.keptFor === undefined ? keptFor : Math.max(0, connection.keptFor - margin);
  return now - connection.idleSince >= kept;
}

function placeOf(url: string): Place {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:';
  return {
    secure,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port === '' ? (secure ? 443 : 80) : port),
  };
}
