import { setTimeout as sleep } from 'node:timers/promises';

const piece = Buffer.alloc(64 * 1024, 'x');

/** So many bytes, in pieces, as they are wanted. */
export function* bytes(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= piece.length) {
    yield left < piece.length ? piece.subarray(0, left) : piece;
  }
}

/**
 * Reads a body to its end and gives its length.
 * @param rate bytes a second, at most; undefined: as fast as it comes.
 */
export async function read(body: AsyncIterable<Buffer>, rate?: number): Promise<number> {
  const startedAt = performance.now();
  let taken = 0;
  for await (const part of body) {
    taken += part.length;
    if (rate === undefined) continue;
    const ahead = (taken / rate) * 1000 - (performance.now() - startedAt);
    if (ahead > 5) await sleep(ahead);
  }
  return taken;
}
