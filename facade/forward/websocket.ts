import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { refuseOnSocket } from '../receive/refusal.ts';
import type { Backend } from '../routes/model.ts';
import { requestHeaders, type Vouched } from './request-headers.ts';
import { type UpstreamFailure, upstreamFailure, upstreamProblem } from './upstream-failure.ts';

/** One WebSocket handshake to one backend. */
export interface WebSocketForwarding {
  readonly route: string;
  readonly backend: Backend;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly vouched: Vouched;
  /** Told when the connection is over, with the failure where the handshake failed. */
  readonly finished: (failure: UpstreamFailure | undefined) => void;
}

interface Handshake extends WebSocketForwarding {
  /** The backend has switched protocols: from now on the bytes are the two ends' own. */
  switched?: boolean;
  failed?: UpstreamFailure;
}

/**
 * Carries WebSockets, by http-proxy-middleware. There is one instance for all routes and reloads, and it never
 * listens for upgrades itself: several instances on one server would each forward every handshake
 * (chimurai/http-proxy-middleware#463), and one per reload would leak listeners (#909).
 */
export class WebSocketForwarder {
  readonly #pending = new WeakMap<IncomingMessage, Handshake>();
  readonly #open = new Set<Duplex>();
  readonly #upgradeTo = new Map<number, ReturnType<typeof createProxyMiddleware>>();

  /** Connections open now. */
  get open(): number {
    return this.#open.size;
  }

  forward(forwarding: WebSocketForwarding): void {
    const { request, socket, backend } = forwarding;
    request.headers = handshakeHeaders(request, backend, forwarding.vouched);
    this.#pending.set(request, forwarding);
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      forwarding.finished(this.#pending.get(request)?.failed);
      this.#pending.delete(request);
    });
    this.#proxy(backend.timeouts.request).upgrade(request, socket as Socket, forwarding.head);
  }

  /** Cuts the connections that are still open. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** The handshake's time-out is fixed when an instance is made, so there is one per distinct time-out. */
  #proxy(upgradeTimeout: number): ReturnType<typeof createProxyMiddleware> {
    let proxy = this.#upgradeTo.get(upgradeTimeout);
    if (proxy === undefined) {
      proxy = createProxyMiddleware({
        router: (request) => (this.#pending.get(request) as Handshake).backend.url,
        target: 'http://target-is-chosen-by-router.invalid',
        upgradeTimeout,
        changeOrigin: false,
        xfwd: false,
        on: {
          proxyReqWs: (outgoing, request) => {
            outgoing.once('upgrade', () => {
              const handshake = this.#pending.get(request);
              if (handshake !== undefined) handshake.switched = true;
            });
          },
          error: (error, request, socket) => this.#failed(error, request, socket as Duplex),
        },
      });
      this.#upgradeTo.set(upgradeTimeout, proxy);
    }
    return proxy;
  }

  #failed(error: Error, request: IncomingMessage, socket: Duplex): void {
    const handshake = this.#pending.get(request);
    if (handshake === undefined || handshake.failed !== undefined) return;
    handshake.failed = upstreamFailure(error);
    if (handshake.switched) socket.destroy();
    else refuseOnSocket(socket, upstreamProblem(handshake.failed, handshake.route, handshake.backend.name));
  }
}

/** As for ordinary requests, with the two hop-by-hop headers that ask for the upgrade put back. */
function handshakeHeaders(
  request: IncomingMessage,
  backend: Backend,
  vouched: Vouched,
): IncomingMessage['headers'] {
  const flat = requestHeaders(request, backend, vouched);
  const headers: Record<string, string> = {};
  for (let index = 0; index < flat.length; index += 2) {
    const name = (flat[index] as string).toLowerCase();
    const value = flat[index + 1] as string;
    headers[name] =
      headers[name] === undefined ? value : `${headers[name]}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
}
