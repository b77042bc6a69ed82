import { type IncomingMessage, ServerResponse } from 'node:http';

/** What writes to a client, or would leave something behind in what is written later. */
const writing = new Set<PropertyKey>([
  'addTrailers',
  'appendHeader',
  'destroy',
  'end',
  'flushHeaders',
  'removeHeader',
  'setHeader',
  'write',
  'writeHead',
]);

/** A client's response whose answer can be withheld: the backend's 304 is for the cache, the client gets another. */
export class WithheldResponse {
  /** What a forwarder writes to. */
  readonly response: ServerResponse;
  #withheld = false;

  constructor(client: ServerResponse) {
    this.response = new Proxy(client, {
      get: (target, name) => {
        if (this.#withheld && writing.has(name)) return () => true;
        if (this.#withheld && name === 'socket') return null;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  }

  /** For a request that nobody waits for any more. */
  static ofNobody(request: IncomingMessage): WithheldResponse {
    const withheld = new WithheldResponse(new ServerResponse(request));
    withheld.withhold();
    return withheld;
  }

  /** From now on nothing of what is written reaches the client. */
  withhold(): void {
    this.#withheld = true;
  }
}
