/** Bytes that one body of a compared pair may have by `bodies: …`. */
export const mostBytesKept = 4 * 1024 * 1024;

/** Bytes of a body that are kept where a route does not say. */
export const standardBytesKept = 256 * 1024;
const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 * 1024 };

/** Bytes of a size such as `256KiB`; the schema has checked its form. */
export function bytesOfSize(text: string): number {
  const [, amount, unit] = /^([0-9]+)(B|KiB|MiB)$/.exec(text) ?? [];
  return Number(amount) * (units[unit ?? ''] ?? Number.NaN);
}
