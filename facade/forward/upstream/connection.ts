import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { UpstreamFailure, upstreamFailure } from '../upstream-failure.ts';
import type { AnswerHead } from './answer-head.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';

/** Whose request a connection carries now. */
export interface ConnectionUser extends AnswerSink {
  /** It can be written to. Told at once where it is so already. */
  connected(): void;
  /** All that came in one piece has been told. */
  told(): void;
  /** What was written has gone out, after `write` said that it was too much. */
  drained(): void;
  /** The connection ended before the answer did. */
  failed(failure: UpstreamFailure): void;
}

/** Where a connection leads to. */
export interface Place {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/**
 * What is read from plain connections goes here first, whichever connection it is: the bytes are dealt with before
 * the next are read, and memory for each read of its own would cost more than reading.
 */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/** One connection to a backend, which carries one request at a time. */
export class Connection implements AnswerSink {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader(this);
  readonly #gone: (connection: Connection) => void;
  #user: ConnectionUser | undefined;
  #ready = false;
  #paused = false;
  #requests = 0;
  /** Milliseconds of performance.now() at which it became idle. */
  idleSince = 0;

  /** @param gone told once, when it can carry no further request and nobody uses it. */
  constructor(place: Place, gone: (connection: Connection) => void) {
    this.#gone = gone;
    this.#socket = place.secure ? this.#openTls(place) : this.#open(place);
    this.#socket.once(place.secure ? 'secureConnect' : 'connect', () => {
      this.#ready = true;
      this.#user?.connected();
    });
    this.#socket.on('drain', () => this.#user?.drained());
    this.#socket.on('end', () => this.#closed());
    this.#socket.on('error', (error) => this.#failed(upstreamFailure(error)));
    this.#socket.on('close', () => {
      this.#closed();
      this.#gone(this);
    });
  }

  /** Whether it has carried a request before, so that the backend may be about to close it. */
  get reused(): boolean {
    return this.#requests > 1;
  }

  /** Whether it can carry the next request. */
  get reusable(): boolean {
    return this.#reader.reusable && !this.#socket.destroyed && this.#socket.writable;
  }

  /** Milliseconds for which the backend keeps it while it is idle, where it says so. */
  get keptFor(): number | undefined {
    return this.#reader.keptFor;
  }

  /** Takes the connection for one request, whose answer is told to the user. */
  use(user: ConnectionUser): void {
    this.#user = user;
    this.#requests++;
    if (this.#ready) user.connected();
  }

  /** Sends a request's head; each character is one byte. */
  send(head: string, method: string): void {
    this.#reader.expect(method);
    this.#socket.write(head, 'latin1');
  }

  /**
   * False where it is more than the backend takes now: `drained` is told later.
   * @param gone told when these bytes have gone out, or never will.
   */
  write(bytes: Buffer | string, gone?: () => void): boolean {
    return typeof bytes === 'string'
      ? this.#socket.write(bytes, 'latin1', gone)
      : this.#socket.write(bytes, gone);
  }

  /** Has what is written from here to the end of this turn go out together. */
  hold(): void {
    const socket = this.#socket;
    socket.cork();
    process.nextTick(() => socket.uncork());
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Its user is done with it. What an idle connection says, its end above all, is heard. */
  leave(): void {
    this.#user = undefined;
    this.resume();
  }

  destroy(): void {
    this.#user = undefined;
    this.#socket.destroy();
  }

  interim(head: AnswerHead): void {
    this.#user?.interim(head);
  }

  head(head: AnswerHead): void {
    this.#user?.head(head);
  }

  data(piece: Buffer): void {
    this.#user?.data(piece);
  }

  end(trailers: readonly string[]): void {
    this.#user?.end(trailers);
  }

  #open({ host, port }: Place): Socket {
    const callback = (length: number): boolean => {
      this.#read(shared.subarray(0, length));
      return true;
    };
    return connectPlain({ host, port, noDelay: true, keepAlive: true, onread: { buffer: shared, callback } });
  }

  /** The certificate must name the place that routes.yaml says, not the Host that the client asked for. */
  #openTls({ host, port }: Place): Socket {
    const socket = connectTls({ host, port, ALPNProtocols: ['http/1.1'] });
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.on('data', (bytes) => this.#read(bytes));
    return socket;
  }

  #read(bytes: Buffer): void {
    const user = this.#user;
    if (user !== undefined && this.#reader.idle) {
      this.#failed(new UpstreamFailure('reset', 'it sent an answer before it was asked'));
      return;
    }
    try {
      this.#reader.read(bytes);
    } catch (error) {
      this.#failed(upstreamFailure(error));
      return;
    }
    user?.told();
    // Nobody asked for what has come.
    if (this.#user === undefined && !this.#reader.reusable) this.#socket.destroy();
  }

  #closed(): void {
    const user = this.#user;
    if (user === undefined) {
      this.#socket.destroy();
      return;
    }
    if (this.#reader.closed()) user.told();
    else
      this.#failed(new UpstreamFailure('reset', 'the connection was closed before the answer was complete'));
  }

  #failed(failure: UpstreamFailure): void {
    const user = this.#user;
    this.#user = undefined;
    this.#socket.destroy();
    user?.failed(failure);
  }
}
