import { IncomingMessage, ServerResponse } from 'node:http';

/**
 * What http-proxy-middleware takes for the client's request. It is given one of its own because it would change
 * the real one (its url, its headers), which the application must find untouched if it answers after all. Headers
 * are left out: the library joins and respells them, so they are written to the outgoing request itself.
 */
export class RelayedRequest<R> extends IncomingMessage {
  /** What the request stands for. */
  readonly relay: R;

  constructor(client: IncomingMessage, relay: R) {
    super(client.socket);
    this.relay = relay;
    this.method = client.method ?? 'GET';
    // The library parses it as a URL first, and fails on paths such as `//`. The real one follows.
    this.url = '/';
    this.httpVersion = '1.1';
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
  }
}

/**
 * What http-proxy-middleware takes for the answer to the client: it writes nothing to it, but would destroy the
 * real one when a backend breaks off, although another backend or the application could still answer.
 */
export class RelayedResponse<R> extends ServerResponse<RelayedRequest<R>> {
  /** The library lets go of the outgoing request and the answer: it ends them where they have not ended. */
  over(): void {
    this.emit('close');
  }
}
