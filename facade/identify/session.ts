import { createHash } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import { Agent } from 'undici';
import { z } from 'zod';
import type { Backend } from '../routes/model.ts';
import { boundedText } from './bounded-text.ts';
import { anonymous, type Caller } from './caller.ts';

/** Which of a backend's urls a question goes to. */
export type AddressOf = (backend: Backend) => string;

/** How to ask the application whose session a cookie is. */
export interface SessionSource {
  readonly cookie: string;
  readonly backend: Backend;
  readonly path: string;
  /** Milliseconds. */
  readonly cache: number;
}

/** Milliseconds that one question may take, whatever the backend's own time-outs: a client waits for it. */
const longestQuestion = 5_000;

/** Answers of the session endpoint that are longer than this are not read. */
const longestAnswer = 64 * 1024;
const mostRemembered = 10_000;

/** What the application says of a logged-in user; anything else means that nobody is logged in. */
const userAnswer = z.object({
  id: z.union([z.number().int(), z.string().min(1).max(255)]),
  role: z.string().max(64).optional(),
});

/**
 * Finds out whose session a cookie is by asking the application itself, at an endpoint that it has already.
 * Answers are remembered briefly, and at most 10,000 of them; requests for the same session share one question.
 */
export class SessionResolver {
  readonly #known = new Map<string, { caller: Promise<Caller>; until: number }>();
  readonly #agent = new Agent({ connect: { timeout: longestQuestion }, allowH2: false });
  readonly #addressOf: AddressOf;

  constructor(addressOf: AddressOf) {
    this.#addressOf = addressOf;
  }

  /**
   * @param value the session cookie's value.
   * @throws Failure `session_unavailable` where the application cannot tell: the caller is then unknown, which is
   *   not the same as not logged in. Its message names the backend, why is in its cause.
   */
  resolve(source: SessionSource, value: string): Promise<Caller> {
    const key = keyOf(source, value);
    const known = this.#known.get(key);
    if (known !== undefined && known.until > Date.now()) return known.caller;

    const caller = ask(this.#agent, this.#addressOf(source.backend), source, value);
    if (source.cache === 0) return caller;
    const expires = Date.now() + source.cache;
    const entry = { caller, until: Number.POSITIVE_INFINITY };
    this.#known.delete(key);
    if (this.#known.size >= mostRemembered) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(key, entry);
    caller.then(
      () => {
        entry.until = expires;
      },
      () => {
        // Unless it was forgotten and asked again meanwhile.
        if (this.#known.get(key) === entry) this.#known.delete(key);
      },
    );
    return caller;
  }

  /** What was known of a session may have changed: a login, a logout. */
  forget(source: SessionSource, value: string): void {
    this.#known.delete(keyOf(source, value));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A digest, so that no session is kept in memory in a form in which it could be used. */
function keyOf(source: SessionSource, value: string): string {
  return createHash('sha256').update(`${source.backend.url}${source.path}\n${value}`).digest('base64');
}

async function ask(agent: Agent, url: string, source: SessionSource, value: string): Promise<Caller> {
  const { backend } = source;
  try {
    const answer = await agent.request({
      origin: url,
      path: source.path,
      method: 'GET',
      headers: { cookie: `${source.cookie}=${value}`, accept: 'application/json' },
      headersTimeout: Math.min(backend.timeouts.request, longestQuestion),
      bodyTimeout: Math.min(backend.timeouts.idle, longestQuestion),
      signal: AbortSignal.timeout(longestQuestion),
    });
    if (answer.statusCode === 401 || answer.statusCode === 403) {
      await answer.body.dump();
      return anonymous;
    }
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`it answered ${answer.statusCode}`);
    }
    return callerIn(await boundedText(answer.body, longestAnswer));
  } catch (error) {
    throw new Failure('session_unavailable', `${backend.name} could not say whose session this is.`, {
      hint: 'See whether it runs, and identity.session in routes.yaml.',
      cause: error,
    });
  }
}

function callerIn(body: string): Caller {
  const user = userAnswer.safeParse(JSON.parse(body));
  return user.success ? { userId: String(user.data.id), role: user.data.role } : anonymous;
}
