/** A close frame without a mask, as servers send it: code 1001, going away (RFC 6455, 7.4.1). */
export const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

const closeOpcode = 0x8;

/**
 * Follows the frames in the bytes of one direction of a WebSocket (RFC 6455, 5.2), as far as to know where one
 * ends: there, and only there, another one can be put in between. A close frame may stand between the fragments of
 * a message, and is never compressed.
 */
export class WebSocketFrames {
  #header: number[] = [];
  /** Bytes of the current frame's payload that are still to come. */
  #payload = 0;
  #closeSeen = false;

  /** No frame is under way. */
  get between(): boolean {
    return this.#header.length === 0 && this.#payload === 0;
  }

  /** A close frame has begun: nothing may follow it. */
  get closing(): boolean {
    return this.#closeSeen;
  }

  /** Takes bytes in. */
  pass(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
  }

  /** Takes bytes in up to the end of the frame under way, and returns how many those are: all, where it goes on. */
  passToEnd(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      at = this.#step(bytes, at);
      if (this.between) break;
    }
    return at;
  }

  /** Takes one byte of a header, or as much as there is of a payload. */
  #step(bytes: Buffer, at: number): number {
    if (this.#payload > 0) {
      const taken = Math.min(this.#payload, bytes.length - at);
      this.#payload -= taken;
      return at + taken;
    }
    const header = this.#header;
    header.push(bytes[at] as number);
    const [first = 0, second = 0] = header;
    const length = second & 0x7f;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    const mask = (second & 0x80) === 0 ? 0 : 4;
    if (header.length >= 2 && header.length === 2 + extended + mask) {
      this.#payload = extended === 0 ? length : bigEndian(header.slice(2, 2 + extended));
      this.#closeSeen ||= (first & 0x0f) === closeOpcode;
      this.#header = [];
    }
    return at + 1;
  }
}

function bigEndian(bytes: readonly number[]): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
