import { verifyFull } from '../../sync-jobs/verify/verify.ts';
import type { BenchPair } from './pair.ts';
import { group } from './tables.ts';

/** Verifies the tables of both sides, which are equal. */
export async function verifyAll({ forward, back }: Pick<BenchPair, 'forward' | 'back'>): Promise<void> {
  const report = await verifyFull({
    group,
    owner: 'legacy',
    forward,
    back,
    chunkRows: 1_000,
    signal: new AbortController().signal,
    reached: async () => true,
    onProgress() {},
  });
  if (report.different > 0) throw new Error(`${report.different} rows differ after all changes were applied`);
}
