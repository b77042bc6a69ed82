import type { createClient } from 'redis';
import type { Buckets, Charge, Verdict } from './buckets.ts';
import { takeDigest, takeScript } from './take-script.ts';

type Client = ReturnType<typeof newClient>;

interface ScriptOptions {
  readonly keys: string[];
  readonly arguments: string[];
}

/** Milliseconds to connect; it does not keep any request waiting. */
const longestConnect = 2_000;
/** Milliseconds between two attempts to connect, at most; a random part of it is left off. */
const longestPause = 5_000;
/** Answers that are waited for at once. */
const mostCommands = 10_000;
/** Answers in a row that do not come: then a connection is given up that may be to nobody. */
const mostMissed = 3;

/** Where Redis is, and how long a request may wait for it. */
export interface RedisSettings {
  /** redis:// or rediss://. */
  readonly url: string;
  /** Milliseconds. */
  readonly patience: number;
}

/** Told of the connection. */
export interface Connected {
  /** There is one, or an answer came that nobody waited for any more: it is worth asking whether Redis is well. */
  ready(): void;
  /** @param reason without addresses or credentials. */
  lost(reason: string): void;
}

/** The buckets that several facades share, in Redis 5 or later, or what speaks like it. */
export class RedisBuckets implements Buckets {
  readonly #create: typeof createClient;
  readonly #settings: RedisSettings;
  readonly #connected: Connected;
  #client: Client;
  #missed = 0;
  #closed = false;

  /** Connects in the background, and again whenever the connection is lost. */
  static async connect(settings: RedisSettings, connected: Connected): Promise<RedisBuckets> {
    // Loading the package takes longer than the rest of the facade: only those wait who have a Redis.
    const { createClient } = await import('redis');
    return new RedisBuckets(createClient, settings, connected);
  }

  private constructor(create: typeof createClient, settings: RedisSettings, connected: Connected) {
    this.#create = create;
    this.#settings = settings;
    this.#connected = connected;
    this.#client = this.#connect();
  }

  /** Whether there is a connection, so that asking makes sense. */
  get isReady(): boolean {
    return this.#client.isReady;
  }

  /** @throws Error where Redis does not answer, or not in time; the request may have been charged all the same. */
  async take(charges: readonly Charge[]): Promise<Verdict> {
    const keys = charges.map(({ key }) => `strangler:rate:${key}`);
    const values = charges.flatMap(({ limit }) => [String(limit.interval), String(limit.capacity)]);
    const client = this.#client;
    try {
      const answer = await this.#ask(client, { keys, arguments: values }, () => this.#connected.ready());
      this.#missed = 0;
      return verdictIn(answer, charges.length);
    } catch (error) {
      if (error instanceof TooLate && ++this.#missed >= mostMissed) this.#renew(client);
      throw error;
    }
  }

  /** Resolves where Redis answers in time, sooner or later. It then knows the script, too. */
  async greet(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#ask(this.#client, { keys: [], arguments: [] }, () => {});
        return;
      } catch (error) {
        if (!(error instanceof TooLate) || tries === mostMissed) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#client.destroy();
  }

  #ask(client: Client, options: ScriptOptions, late: () => void): Promise<unknown> {
    return within(this.#settings.patience, run(client, options), late);
  }

  /** A host that is gone without a word leaves a connection that takes commands and answers none. */
  #renew(client: Client): void {
    if (this.#closed || client !== this.#client) return;
    this.#missed = 0;
    client.destroy();
    this.#client = this.#connect();
  }

  #connect(): Client {
    const client = newClient(this.#create, this.#settings.url);
    const current = () => !this.#closed && client === this.#client;
    client.on('ready', () => {
      if (current()) this.#connected.ready();
    });
    // The client says it of every attempt, and goes on.
    client.on('error', (error: unknown) => {
      if (current()) this.#connected.lost(reasonOf(error));
    });
    // What it fails with has been told as an event.
    client.connect().catch(() => {});
    return client;
  }
}

function newClient(create: typeof createClient, url: string) {
  return create({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostCommands,
    // Time-outs are kept here: the client's own are over once a command is sent.
    commandOptions: { timeout: 0 },
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: longestConnect,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 10), longestPause) * randomPart(),
    },
  });
}

function randomPart(): number {
  return 0.5 + Math.random() / 2;
}

/** Sends the script itself only where Redis does not have it. */
async function run(client: Client, options: ScriptOptions): Promise<unknown> {
  try {
    return await client.evalSha(takeDigest, options);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(takeScript, options);
  }
}

function verdictIn(answer: unknown, charges: number): Verdict {
  if (!Array.isArray(answer) || answer.length !== charges + 1) throw new Error('unexpected answer');
  const [admitted, ...used] = answer.map(Number);
  if (!used.every(Number.isFinite)) throw new Error('unexpected answer');
  return { admitted: admitted === 1, used };
}

class TooLate extends Error {}

/**
 * Where this process itself was busy, the answer may be waiting to be read: that is done before an immediate.
 * @param late told where the promise is kept after all.
 */
function within<T>(milliseconds: number, promise: Promise<T>, late: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false;
    const expire = () => {
      over = true;
      reject(new TooLate(`no answer within ${milliseconds} ms`));
    };
    const timer = setTimeout(() => setImmediate(expire), milliseconds);
    promise.then(
      (value) => {
        clearTimeout(timer);
        if (over) late();
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** What went wrong, without the address that system errors have in their messages. */
export function reasonOf(error: unknown): string {
  if (error instanceof TooLate) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  // Redis' own errors begin with a word for it: WRONGPASS, NOPERM, OOM, READONLY.
  return /^[A-Z]{3,20}\b/.exec(message ?? '')?.[0] ?? (error as Error).name;
}
