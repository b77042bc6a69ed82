const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Bytes of a size such as `64KiB`, `10MB` or `1GiB`; the schema has checked its form. */
export function sizeInBytes(text: string): number {
  const [, amount, unit] = /^([0-9]+)([kMGKi]*B)$/.exec(text) ?? [];
  return Number(amount) * (units[unit ?? ''] ?? Number.NaN);
}
