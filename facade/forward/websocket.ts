import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { lingerThenClose, refuseOnSocket } from '../receive/refusal.ts';
import type { Address } from '../resilience/address.ts';
import type { BackendState, BackendStates } from '../resilience/backend-state.ts';
import { enter, type Passage } from '../resilience/passage.ts';
import type { HeaderChanges } from '../rewrite/rewrite.ts';
import { changeHeaders } from '../rewrite/rewrite-headers.ts';
import type { Backend } from '../routes/model.ts';
import { requestHeaders, type Vouched } from './request-headers.ts';
import { UpstreamFailure, upstreamFailure, upstreamProblem } from './upstream-failure.ts';
import { goingAway, WebSocketFrames } from './websocket-frames.ts';

/** One WebSocket handshake to one backend. */
export interface WebSocketForwarding {
  readonly route: string;
  readonly backend: Backend;
  /** The client's handshake; its url is the path to ask the backend for. */
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly vouched: Vouched;
  /** What the route changes of the handshake's headers. */
  readonly requestHeaders: HeaderChanges | undefined;
  /** Changes the headers of the backend's answer, names and values alternating. */
  readonly rewriteAnswer: ((headers: string[]) => string[]) | undefined;
  /** Headers that the facade adds to the answer. */
  readonly answerHeaders: readonly (readonly [string, string])[];
  /** Told once, when the handshake has its answer: the backend's status, or the facade's where it failed. */
  readonly finished: (status: number, failure: UpstreamFailure | undefined) => void;
}

/**
 * Carries WebSockets, by http-proxy-middleware. There is one instance for all routes and reloads, and it never
 * listens for upgrades itself: several instances on one server would each forward every handshake
 * (chimurai/http-proxy-middleware#463), and one per reload would leak listeners (#909).
 */
export class WebSocketForwarder {
  readonly #states: BackendStates;
  readonly #handshakes = new WeakMap<IncomingMessage, Handshake>();
  readonly #open = new Map<Duplex, Handshake | undefined>();
  #draining = false;
  #closed = false;

  readonly #proxy = createProxyMiddleware({
    router: (request) => (this.#handshakes.get(request) as Handshake).address.url,
    target: 'http://target-is-chosen-by-router.invalid',
    changeOrigin: false,
    xfwd: false,
    on: {
      proxyReqWs: (outgoing, request) => this.#handshakes.get(request)?.asks(outgoing),
      error: (error, request) => this.#handshakes.get(request)?.fails(upstreamFailure(error)),
    },
  });

  constructor(states: BackendStates) {
    this.#states = states;
  }

  /** Connections open now, handshakes under way included. */
  get open(): number {
    return this.#open.size;
  }

  forward(forwarding: WebSocketForwarding): void {
    const { socket, backend } = forwarding;
    if (this.#closed || socket.destroyed) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, undefined);
    socket.once('close', () => this.#open.delete(socket));
    const state = this.#states.of(backend);
    const entered = enter(state, socket);
    if (entered instanceof Promise) void entered.then((passage) => this.#proceed(forwarding, state, passage));
    else this.#proceed(forwarding, state, entered);
  }

  /**
   * Asks the clients of open connections to close, and so the backends, to which the clients' answers go; takes no
   * more. A backend that pauses in the middle of a frame keeps its connection until it is cut.
   */
  drain(): void {
    this.#draining = true;
    for (const handshake of this.#open.values()) handshake?.goAway();
  }

  /** Cuts the connections that are still open, and takes no more. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #proceed(forwarding: WebSocketForwarding, state: BackendState, entered: Passage | UpstreamFailure): void {
    const { request, socket, backend, head } = forwarding;
    if (entered instanceof UpstreamFailure) {
      refuse(forwarding, entered);
      return;
    }
    const address = state.balance.pick(performance.now());
    address.inFlight++;
    socket.once('close', () => address.inFlight--);
    const handshake = new Handshake(forwarding, address, entered);
    if (this.#draining) handshake.goAway();
    this.#open.set(socket, handshake);
    this.#handshakes.set(request, handshake);
    request.headers = handshakeHeaders(request, backend, forwarding);
    this.#proxy.upgrade(request, socket as Socket, head);
  }
}

/** What http-proxy-middleware leaves open: time-outs, the facade's headers, and that either end's going ends both. */
class Handshake {
  readonly forwarding: WebSocketForwarding;
  readonly address: Address;
  readonly #passage: Passage;
  readonly #frames = new WebSocketFrames();
  #tunnel: Socket | undefined;
  #goesAway = false;
  #outgoing: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;

  constructor(forwarding: WebSocketForwarding, address: Address, passage: Passage) {
    this.forwarding = forwarding;
    this.address = address;
    this.#passage = passage;
    const { socket } = forwarding;
    // Nobody reads from the client before the backend has answered, and so nobody would hear that it has left.
    socket.on('readable', this.#listen);
    socket.once('end', this.#left);
    socket.once('close', this.#left);
  }

  /** The handshake goes to the backend. These listeners come before those of http-proxy-middleware. */
  asks(outgoing: ClientRequest): void {
    const { backend, socket } = this.forwarding;
    this.#outgoing = outgoing;
    this.#within(backend.timeouts.connect, 'connect_timeout');
    outgoing.once('socket', (connection) => {
      const event = this.address.url.startsWith('https:') ? 'secureConnect' : 'connect';
      connection.once(event, () => this.#within(backend.timeouts.request, 'answer_timeout'));
    });
    outgoing.once('upgrade', (answer: IncomingMessage, connection: Socket) => {
      this.#add(answer);
      this.#answers(101);
      socket.once('close', () => connection.destroy());
      connection.once('close', () => (socket as Socket).destroySoon());
      // Once http-proxy-middleware has put back what came along with the answer; a listener would start the flow.
      process.nextTick(() => this.#follow(connection));
    });
    outgoing.once('response', (answer) => {
      this.#add(answer);
      this.#answers(answer.statusCode ?? 0);
      socket.once('finish', () => lingerThenClose(socket));
    });
  }

  fails(failure: UpstreamFailure): void {
    if (this.#answered) {
      this.forwarding.socket.destroy();
      return;
    }
    this.#end(failure);
    refuse(this.forwarding, failure);
    this.#outgoing?.destroy();
  }

  /** Puts a close frame after the frame that is under way to the client, and lets nothing follow it. */
  goAway(): void {
    this.#goesAway = true;
    const tunnel = this.#tunnel;
    if (tunnel === undefined || this.#frames.closing) return;
    const { socket } = this.forwarding;
    tunnel.off('data', this.#pass);
    tunnel.unpipe(socket);
    if (this.#frames.between) socket.write(goingAway);
    else {
      const finish = (bytes: Buffer) => {
        socket.write(bytes.subarray(0, this.#frames.passToEnd(bytes)));
        if (!this.#frames.between) return;
        tunnel.off('data', finish);
        if (!this.#frames.closing) socket.write(goingAway);
      };
      tunnel.on('data', finish);
    }
    // What else the backend says is dropped, until it has heard that the client goes.
    tunnel.resume();
  }

  #follow(connection: Socket): void {
    this.#tunnel = connection;
    connection.on('data', this.#pass);
    if (this.#goesAway) this.goAway();
  }

  readonly #pass = (bytes: Buffer): void => this.#frames.pass(bytes);

  /** Sees the end of what the client sends, and takes nothing else. */
  readonly #listen = (): void => {
    const { socket } = this.forwarding;
    if (socket.readableLength === 0) socket.read();
  };

  readonly #left = (): void => {
    if (this.#answered) return;
    const failure = new UpstreamFailure('client_gone', 'the client went away within the handshake');
    this.#end(failure);
    this.forwarding.finished(0, failure);
    this.#outgoing?.destroy();
    this.forwarding.socket.destroy();
  };

  #within(milliseconds: number, kind: 'connect_timeout' | 'answer_timeout'): void {
    if (this.#answered) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.fails(new UpstreamFailure(kind, `no answer to the handshake within ${milliseconds} ms`));
    }, milliseconds);
  }

  #answers(status: number): void {
    if (this.#answered) return;
    this.#passage.answered(status);
    this.#end(undefined);
    this.forwarding.finished(status, undefined);
  }

  /** The handshake has its answer, or will have none. */
  #end(failure: UpstreamFailure | undefined): void {
    clearTimeout(this.#timer);
    this.#answered = true;
    if (failure !== undefined) this.#passage.failed(failure, true);
    this.#passage.leave();
    this.forwarding.socket.off('readable', this.#listen);
  }

  #add(answer: IncomingMessage): void {
    const { rewriteAnswer } = this.forwarding;
    if (rewriteAnswer !== undefined) answer.headers = byName(rewriteAnswer(flat(answer.headers)));
    for (const [name, value] of this.forwarding.answerHeaders) {
      if (name === 'set-cookie')
        answer.headers['set-cookie'] = [...(answer.headers['set-cookie'] ?? []), value];
      else answer.headers[name] = value;
    }
  }
}

function refuse({ socket, route, backend, finished }: WebSocketForwarding, failure: UpstreamFailure): void {
  if (failure.kind === 'client_gone') {
    finished(0, failure);
    socket.destroy();
    return;
  }
  const problem = upstreamProblem(failure, route, backend.name);
  finished(problem.status, failure);
  const { retryAfter } = failure;
  refuseOnSocket(socket, problem, retryAfter === undefined ? [] : [`retry-after: ${retryAfter}`]);
}

/** As for ordinary requests, with the two hop-by-hop headers that ask for the upgrade put back. */
function handshakeHeaders(
  request: IncomingMessage,
  backend: Backend,
  { vouched, requestHeaders: changes }: WebSocketForwarding,
): IncomingMessage['headers'] {
  const all = requestHeaders(request, backend, vouched);
  const lines = changes === undefined ? all : changeHeaders(changes, all);
  const headers: Record<string, string> = {};
  for (let index = 0; index < lines.length; index += 2) {
    const name = (lines[index] as string).toLowerCase();
    const value = lines[index + 1] as string;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
}

/** Headers as node:http gives them, as names and values alternating. */
function flat(headers: IncomingMessage['headers']): string[] {
  return Object.entries(headers).flatMap(([name, value = '']) =>
    Array.isArray(value) ? value.flatMap((one) => [name, one]) : [name, value],
  );
}

function byName(headers: readonly string[]): IncomingMessage['headers'] {
  const named: IncomingMessage['headers'] = {};
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    const value = headers[index + 1] as string;
    if (name === 'set-cookie') named[name] = [...(named[name] ?? []), value];
    else named[name] = named[name] === undefined ? value : `${named[name]}, ${value}`;
  }
  return named;
}
