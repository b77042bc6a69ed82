/** Bytes of one piece; what is read at once is never more. */
const size = 64 * 1024;

/** Shorter pieces cost less as copies of their own. */
const worthLending = 8 * 1024;
const mostKept = 64;
const free: Buffer[] = [];

/**
 * Writes a copy of a piece whose memory is about to be used again. The copies of a long body are made in memory that
 * is lent from one to the next: as garbage they would grow the process by tens of megabytes before it is collected.
 * @param write told the copy, and whom to tell when its bytes have gone out.
 */
export function writeCopy<T>(piece: Buffer, write: (copy: Buffer, gone?: () => void) => T): T {
  if (piece.length < worthLending || piece.length > size) return write(Buffer.from(piece));
  const lent = free.pop() ?? Buffer.allocUnsafeSlow(size);
  piece.copy(lent);
  return write(lent.subarray(0, piece.length), () => {
    if (free.length < mostKept) free.push(lent);
  });
}

/**
 * Gives the memory of a piece back at once, where it has some of its own. A long upload would otherwise grow the
 * process until its pieces are collected. Nobody may look at the piece any more.
 */
export function release(piece: Buffer): void {
  const { buffer, length } = piece;
  if (length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
