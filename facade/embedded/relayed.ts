import { IncomingMessage, ServerResponse } from 'node:http';

/** Who stands behind what http-proxy-middleware is given. */
export interface Relay {
  /** The request's next piece is asked for: answered by `push`. */
  wanted(): void;
}

/**
 * What http-proxy-middleware takes for the client's request. It is given one of its own because it would change
 * the real one (its url, its headers, its body), which the application must find untouched if it answers after all.
 * Headers are left out: the library joins and respells them, so they are written to the outgoing request itself.
 */
export class RelayedRequest<R extends Relay> extends IncomingMessage {
  readonly relay: R;

  constructor(client: IncomingMessage, relay: R) {
    super(client.socket);
    this.relay = relay;
    this.method = client.method ?? 'GET';
    // The library parses it first, and fails where it is no URL path to everybody. The real one follows.
    this.url = '/';
    this.httpVersion = '1.1';
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
  }

  override _read(): void {
    this.relay.wanted();
  }

  /** That of node:http would destroy the client's connection. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    done(error);
  }
}

/**
 * What http-proxy-middleware takes for the answer to the client: it writes nothing to it, but would destroy the
 * real one when a backend breaks off, although another backend or the application could still answer.
 */
export class RelayedResponse<R extends Relay> extends ServerResponse<RelayedRequest<R>> {
  /** The library lets go of the outgoing request and the answer: it ends them where they have not ended. */
  over(): void {
    this.emit('close');
  }
}
