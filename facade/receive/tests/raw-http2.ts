import type { Duplex } from 'node:stream';

/** Frame types of RFC 9113, 6. */
export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const endStream = 0x1;
export const endHeaders = 0x4;
export const ack = 0x1;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** An HTTP/2 client that sends the frames it is given, and shows those that come, with nothing made good on the way. */
export class RawHttp2 {
  readonly socket: Duplex;
  /** Every frame so far, in order of arrival. */
  readonly frames: Frame[] = [];
  #received: Buffer = Buffer.alloc(0);
  #changed = Promise.withResolvers<void>();
  #over = false;

  /** @param settings identifier and value of each setting that is announced. */
  constructor(socket: Duplex, settings: readonly (readonly [number, number])[] = []) {
    this.socket = socket;
    const change = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#takeFrames();
      change();
    });
    socket.on('error', () => {});
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#over = true;
        change();
      });
    }
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const payload = Buffer.alloc(settings.length * 6);
    settings.forEach(([id, value], index) => {
      payload.writeUInt16BE(id, index * 6);
      payload.writeUInt32BE(value, index * 6 + 2);
    });
    this.send(frameTypes.settings, 0, 0, payload);
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): this {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    this.socket.write(Buffer.concat([head, payload]));
    return this;
  }

  /** A request's head. Names and values go as they are, latin1. */
  headers(
    stream: number,
    lines: readonly (readonly [string, string])[],
    flags = endStream | endHeaders,
  ): this {
    return this.send(frameTypes.headers, flags, stream, headerBlock(lines));
  }

  continuation(stream: number, lines: readonly (readonly [string, string])[], last: boolean): this {
    return this.send(frameTypes.continuation, last ? endHeaders : 0, stream, headerBlock(lines));
  }

  get(stream: number, path: string, ...lines: (readonly [string, string])[]): this {
    return this.headers(stream, [...pseudo('GET', path), ...lines]);
  }

  data(stream: number, bytes: string | Buffer, flags = 0): this {
    return this.send(frameTypes.data, flags, stream, Buffer.from(bytes as string));
  }

  reset(stream: number, code = 8): this {
    return this.send(frameTypes.rstStream, 0, stream, number(code));
  }

  /** Waits for a frame, past or to come; undefined where the connection ends without it. */
  async frame(holds: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(holds);
      if (found !== undefined || this.#over) return found;
      await this.#changed.promise;
    }
  }

  /** The frame that ends a stream: one with END_STREAM, or RST_STREAM. */
  ended(stream: number): Promise<Frame | undefined> {
    return this.frame((frame) => frame.stream === stream && endsStream(frame));
  }

  goaway(): Promise<Frame | undefined> {
    return this.frame(({ type }) => type === frameTypes.goaway);
  }

  async closed(): Promise<void> {
    while (!this.#over) await this.#changed.promise;
  }

  #takeFrames(): void {
    for (;;) {
      const bytes = this.#received;
      if (bytes.length < 9) return;
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) return;
      const frame = {
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        stream: bytes.readUInt32BE(5) & 0x7fffffff,
        payload: bytes.subarray(9, 9 + length),
      };
      this.#received = bytes.subarray(9 + length);
      this.frames.push(frame);
      if (frame.type === frameTypes.settings && (frame.flags & ack) === 0) {
        this.send(frameTypes.settings, ack, 0);
      }
    }
  }
}

function endsStream({ type, flags }: Frame): boolean {
  if (type === frameTypes.rstStream) return true;
  return (type === frameTypes.data || type === frameTypes.headers) && (flags & endStream) !== 0;
}

export function pseudo(method: string, path: string, authority = 'shop.example'): [string, string][] {
  return [
    [':method', method],
    [':scheme', 'https'],
    [':path', path],
    [':authority', authority],
  ];
}

/** HPACK without compression: each line a literal that is not indexed, under a new name (RFC 7541, 6.2.2). */
export function headerBlock(lines: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
