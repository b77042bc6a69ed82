import type { Agent } from 'undici';

/** An answer as the story needs it. */
export interface Reply {
  readonly status: number;
  /** The backend that answered, as the facade says. */
  readonly servedBy: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly json: Record<string, unknown>;
}

/** A browser's share of the story: one session, talking to one origin. */
export class Client {
  readonly origin: string;
  readonly #agent: Agent;
  #cookie: string | undefined;

  constructor(origin: string, agent: Agent) {
    this.origin = origin;
    this.#agent = agent;
  }

  /** The same session, at another origin. */
  at(origin: string): Client {
    const other = new Client(origin, this.#agent);
    other.#cookie = this.#cookie;
    return other;
  }

  async logIn(email: string, password: string): Promise<void> {
    const reply = await this.send('POST', '/login', { email, password });
    const cookies = [reply.headers['set-cookie'] ?? []].flat();
    this.#cookie = cookies.map((cookie) => cookie.split(';', 1)[0]).join('; ');
  }

  get(path: string): Promise<Reply> {
    return this.send('GET', path);
  }

  /** A page's text. */
  async page(path: string): Promise<string> {
    const answer = await this.#agent.request({
      origin: this.origin,
      path,
      method: 'GET',
      headers: this.#cookie === undefined ? {} : { cookie: this.#cookie },
      headersTimeout: 15_000,
      bodyTimeout: 15_000,
    });
    return answer.body.text();
  }

  async send(
    method: string,
    path: string,
    json?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const answer = await this.#agent.request({
      origin: this.origin,
      path,
      method: method as 'GET',
      headers: {
        ...headers,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }),
      },
      body: json === undefined ? null : JSON.stringify(json),
      headersTimeout: 15_000,
      bodyTimeout: 15_000,
    });
    const text = await answer.body.text();
    return {
      status: answer.statusCode,
      servedBy: String(answer.headers['x-served-by'] ?? 'facade'),
      headers: answer.headers,
      json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  }
}
