import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Backend } from '../routes/model.ts';

/** Milliseconds that an unused connection is kept: less than servers keep theirs, so that few are found closed. */
const longestUnused = 4_000;

/** Unused connections that are kept to one address. */
const mostUnused = 64;

/** Connections to backends, for node:http: kept ones by address, and fresh ones where a kept one was stale. */
export class Connections {
  readonly #kept = new Map<string, Agent>();
  readonly #retired = new WeakSet<Agent>();
  readonly #fresh = { http: new Agent(), https: new TlsAgent() };

  /** Connections that are used again and again. */
  to(url: string): Agent {
    let agent = this.#kept.get(url);
    if (agent === undefined) {
      const settings = { keepAlive: true, maxFreeSockets: mostUnused, timeout: longestUnused };
      agent = isTls(url) ? new TlsAgent(settings) : new Agent(settings);
      this.#kept.set(url, agent);
      this.#keepUntilRetired(agent);
    }
    return agent;
  }

  /** A connection for one request. */
  newTo(url: string): Agent {
    return isTls(url) ? this.#fresh.https : this.#fresh.http;
  }

  /** Lets go of addresses that no backend has any more; what runs there ends by itself. */
  retain(backends: Iterable<Backend>): void {
    const named = new Set([...backends].flatMap(({ urls }) => urls));
    for (const [url, agent] of this.#kept) {
      if (named.has(url)) continue;
      this.#kept.delete(url);
      this.#retired.add(agent);
      for (const sockets of Object.values(agent.freeSockets))
        for (const socket of sockets ?? []) socket.destroy();
    }
  }

  /** Cuts all of them. */
  close(): void {
    for (const agent of [...this.#kept.values(), this.#fresh.http, this.#fresh.https]) agent.destroy();
    this.#kept.clear();
  }

  /** A connection whose request ends after the address was let go is let go, too. */
  #keepUntilRetired(agent: Agent): void {
    const keep = agent.keepSocketAlive.bind(agent) as (socket: Duplex) => boolean;
    agent.keepSocketAlive = (socket: Duplex): boolean => !this.#retired.has(agent) && keep(socket);
  }
}

function isTls(url: string): boolean {
  return url.startsWith('https:');
}
