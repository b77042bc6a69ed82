import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly reason: string;
  /** In order, with their spelling. */
  readonly headers: readonly (readonly [string, string])[];
  /** Of a name, the first value. */
  header(name: string): string | undefined;
  /** Without its chunks. latin1. */
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** How the body's end was marked. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
}

/** A client that sends the bytes it is given, and reads answers without a library's help. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #failed: Error | undefined;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    const change = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    socket.on('data', (data) => {
      this.#received += data.toString('latin1');
      change();
    });
    socket.on('end', () => {
      this.#ended = true;
      change();
    });
    socket.on('error', (error) => {
      this.#failed = error;
      change();
    });
    socket.on('close', change);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    onTestFinished(() => void socket.destroy());
    return client;
  }

  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** What has arrived and is not yet taken as an answer. */
  get received(): string {
    return this.#received;
  }

  /** Waits until what has arrived contains a text. */
  async until(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      if (this.socket.destroyed || this.#ended) {
        throw new Error(`closed before ${JSON.stringify(text)}: ${JSON.stringify(this.#received)}`);
      }
      await this.#changed.promise;
    }
  }

  /** Waits for the end of the connection: 'end' in good order, 'reset' otherwise. */
  async closed(): Promise<'end' | 'reset'> {
    while (!this.socket.closed && !this.#ended && this.#failed === undefined) await this.#changed.promise;
    return this.#failed === undefined ? 'end' : 'reset';
  }

  /**
   * The next whole answer.
   * @param method of the request, because an answer to HEAD has no body.
   * @throws Error where the connection ends before it is complete.
   */
  async answer(method = 'GET'): Promise<RawAnswer> {
    for (;;) {
      const taken = takeAnswer(this.#received, method, this.#ended);
      if (taken !== undefined) {
        this.#received = this.#received.slice(taken.length);
        return taken.answer;
      }
      if (this.#ended || this.#failed !== undefined || this.socket.destroyed) {
        throw new Error(`incomplete answer: ${JSON.stringify(this.#received.slice(0, 2000))}`);
      }
      await this.#changed.promise;
    }
  }
}

/** Sends one request on a connection of its own and takes the answer. */
export async function ask(port: number, bytes: string | Buffer, method = 'GET'): Promise<RawAnswer> {
  const client = await RawClient.connect(port);
  const answer = await client.send(bytes).answer(method);
  client.socket.destroy();
  return answer;
}

/** A GET with the headers that are needed, and others. */
export function get(path: string, ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: shop.example', ...headers, '', ''].join('\r\n');
}

function takeAnswer(
  bytes: string,
  method: string,
  ended: boolean,
): { answer: RawAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [first = '', ...lines] = bytes.slice(0, headEnd).split('\r\n');
  const [, status = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/s.exec(first) ?? [];
  if (status === '') throw new Error(`not an answer: ${JSON.stringify(bytes.slice(0, 200))}`);
  const headers = lines.map(pair);
  const header = (name: string) => headers.find(([own]) => own.toLowerCase() === name)?.[1];
  const rest = bytes.slice(headEnd + 4);
  const body = takeBody(rest, Number(status), method, header, ended);
  if (body === undefined) return undefined;
  const { text, trailers = [], framing, length } = body;
  return {
    answer: { status: Number(status), reason, headers, header, body: text, trailers, framing },
    length: headEnd + 4 + length,
  };
}

interface Body {
  text: string;
  trailers?: [string, string][];
  framing: RawAnswer['framing'];
  length: number;
}

function takeBody(
  rest: string,
  status: number,
  method: string,
  header: (name: string) => string | undefined,
  ended: boolean,
): Body | undefined {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    return { text: '', framing: 'none', length: 0 };
  }
  if (header('transfer-encoding') !== undefined) return takeChunks(rest);
  const length = header('content-length');
  if (length === undefined) {
    return ended ? { text: rest, framing: 'close', length: rest.length } : undefined;
  }
  const wanted = Number(length);
  if (rest.length < wanted) return undefined;
  return { text: rest.slice(0, wanted), framing: 'length', length: wanted };
}

function takeChunks(rest: string): Body | undefined {
  let text = '';
  let at = 0;
  for (;;) {
    const line = rest.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(rest.slice(at, line), 16);
    if (size === 0) {
      const end = rest.startsWith('\r\n', line + 2) ? line + 2 : rest.indexOf('\r\n\r\n', line) + 2;
      if (end === 1) return undefined;
      const trailers = rest
        .slice(line + 2, end)
        .split('\r\n')
        .filter(Boolean)
        .map(pair);
      return { text, trailers, framing: 'chunked', length: end + 2 };
    }
    if (rest.length < line + 2 + size + 2) return undefined;
    text += rest.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

function pair(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
