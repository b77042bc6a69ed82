import { Failure } from '@strangler-fig/kernel/failure';
import { Feed } from '../feed/feed.ts';
import type { Direction } from '../mapping/group.ts';
import { loadReport, saveReport } from '../verify/reports.ts';
import { type VerifyReport, verifyChanged, verifyFull } from '../verify/verify.ts';
import { patience, type RunningGroup } from './running-group.ts';

/** Rows that are compared at a time: more would only need more memory. */
const chunkOfVerification = 1_000;

/** Compares both sides of a group, and knows what was found last. */
export class GroupVerification {
  readonly #group: RunningGroup;
  #last: VerifyReport | null = null;

  constructor(group: RunningGroup) {
    this.#group = group;
  }

  /** What was found last, by this process or, in full, by one before it; null before the first verification. */
  get last(): VerifyReport | null {
    return this.#last;
  }

  async load(): Promise<void> {
    const { desk, declaration } = this.#group;
    this.#last = (await desk.legacy.snapshot((session) => loadReport(session, declaration.name))) ?? null;
  }

  /** An incremental one falls back to a full one where the logs do not reach back. */
  async verify(mode: VerifyReport['mode']): Promise<VerifyReport> {
    const { desk, declaration, log } = this.#group;
    const report = await this.#compare(mode);
    await desk.legacy.transaction((writer) => saveReport(writer, declaration.name, report));
    this.#last = report.mode === 'full' ? report : { ...report, positions: this.#last?.positions ?? {} };
    if (report.different > 0) {
      log.error({ group: declaration.name, ...counts(report) }, 'the sides differ; see `fig sync status`');
    }
    return report;
  }

  #compare(mode: VerifyReport['mode']): Promise<VerifyReport> {
    const { declaration, ownership, stopping, feeds } = this.#group;
    return this.#withFeeds(async (forward, back) => {
      const run = {
        group: declaration,
        owner: ownership.owner,
        forward,
        back,
        chunkRows: chunkOfVerification,
        signal: stopping,
        reached: (direction: Direction, position: string) => feeds[direction].reached(position, patience),
        onProgress: () => {},
      };
      const since = this.#last;
      if (mode === 'full' || since === null || since.owner !== run.owner) return verifyFull(run);
      return verifyChanged(run, since).catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'verify_too_old') return verifyFull(run);
        throw error;
      });
    });
  }

  /** Feeds with stores of their own, so that a long scan keeps nobody waiting. */
  async #withFeeds<T>(work: (forward: Feed, back: Feed) => Promise<T>): Promise<T> {
    const { declaration: group, open, chunkRows } = this.#group;
    const stores = [open('legacy'), open('service'), open('service'), open('legacy')] as const;
    const [legacy, service, serviceToo, legacyToo] = stores;
    try {
      return await work(
        new Feed({ group, direction: 'forward', source: legacy, target: service, chunkRows }),
        new Feed({ group, direction: 'back', source: serviceToo, target: legacyToo, chunkRows }),
      );
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  }
}

function counts({ mode, rows, different, unsettled }: VerifyReport): Record<string, unknown> {
  return { mode, rows, different, unsettled };
}
