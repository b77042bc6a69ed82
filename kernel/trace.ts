import { randomFillSync } from 'node:crypto';

/** version-traceid-parentid-flags; version ff and all-zero ids are invalid (W3C Trace Context, 3.2.2). */
const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The trace id in a traceparent header, or undefined where the header is absent or invalid. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : form.exec(traceparent)?.[1];
}

/** The trace id in a traceparent that is known to be valid. */
export function traceIdIn(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Bytes of a trace id and a parent id. Random bytes are drawn for many at once, because each drawing is dear. */
const idBytes = 24;
const drawn = Buffer.alloc(idBytes * 256);
let used = drawn.length;

/** A traceparent for a trace that starts here, sampled. */
export function newTraceparent(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  const ids = drawn.toString('hex', used, used + idBytes);
  used += idBytes;
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`;
}
