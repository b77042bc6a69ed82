import { randomUUID } from 'node:crypto';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import { Feed, type Step } from '../feed/feed.ts';
import { holdLease, leaseTime, releaseLease } from '../lease/lease.ts';
import type { Direction, GroupDeclaration, Owner } from '../mapping/group.ts';
import { changeOwner, type Ownership, readOwnership } from '../ownership/owner.ts';
import { audit, type Poison, skipPoison } from '../poison/poison.ts';
import { logRows, pruneLog } from '../prune/prune.ts';
import type { Store } from '../stores/store.ts';
import { shownKey } from '../stores/value.ts';
import { loadReport, saveReport } from '../verify/reports.ts';
import { type VerifyReport, verifyChanged, verifyFull } from '../verify/verify.ts';
import { FeedRunner } from './feed-runner.ts';
import { asFailure, GroupFailures } from './group-failures.ts';
import { type Desk, Preparation } from './preparation.ts';
import { patiently } from './retry.ts';
import type { GroupState, GroupStatus, PoisonStatus } from './status.ts';
import type { Throttle } from './throttle.ts';

/** What a group's runner works with. */
export interface RunnerOptions {
  group: GroupDeclaration;
  /** Opens a store anew at each call: whoever works at the same time has connections of its own. */
  open(side: 'legacy' | 'service'): Store;
  chunkRows: number;
  /** How fast the first copy may go. */
  throttle: Throttle;
  /** Install capture where it is missing; otherwise that is asked of a person. */
  installs: boolean;
  /** Follow changes after the first copy. */
  follows: boolean;
  log: Logger;
  onProgress(status: GroupStatus): void;
  onCopied(status: GroupStatus): void;
}

/** How long a person's command waits for the feed to get to a position, in milliseconds. */
const patience = 10_000;

/** Runs one group: both its feeds, and what people and the schedule ask for. */
export class GroupRunner {
  /** Resolves when the first copy is complete; never rejects. */
  readonly backfilled: Promise<void>;
  readonly name: string;
  readonly #options: RunnerOptions;
  readonly #stopping = new AbortController();
  readonly #holder = randomUUID();
  readonly #desk: Desk;
  readonly #runners: { forward: FeedRunner; back: FeedRunner };
  #ownership: Ownership = { owner: 'legacy', epoch: 1, since: null };
  #state: GroupState = 'starting';
  readonly #failures: GroupFailures;
  readonly #preparation: Preparation;
  #lastVerify: VerifyReport | null = null;
  #total: number | null = null;
  #copyBegan: { at: number; rows: number } | undefined;
  #prepared = false;
  #leased = 0;
  #markBackfilled: () => void = () => {};
  #background: Promise<unknown> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.name = options.group.name;
    this.#failures = new GroupFailures(options.group.name, options.log);
    this.#desk = { legacy: options.open('legacy'), service: options.open('service') };
    this.#preparation = new Preparation(options.group, this.#desk, options.installs, options.log);
    this.#runners = { forward: this.#runner('forward'), back: this.#runner('back') };
    this.backfilled = new Promise((resolve) => {
      this.#markBackfilled = resolve;
    });
  }

  start(): void {
    this.#runners.forward.start();
    if (this.#options.follows) this.#runners.back.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#runners.forward.stop(), this.#runners.back.stop()]);
    await this.#background.catch(() => {});
    if (this.#leased > 0) {
      await this.#desk.legacy
        .transaction((writer) => releaseLease(writer, this.#lease, this.#holder))
        .catch(() => {});
    }
    this.#state = 'stopped';
    await Promise.all([this.#desk.legacy.close(), this.#desk.service.close()]);
  }

  async status(): Promise<GroupStatus> {
    const feeds = this.#prepared
      ? await Promise.all([this.#runners.forward.status(), this.#runners.back.status()])
      : [];
    return { ...this.#brief(), feeds };
  }

  /** The legacy side's changes are read from PostgreSQL's own log. */
  get decodes(): boolean {
    return this.#options.group.capture === 'decoding';
  }

  /** This instance carries the group's changes over. */
  get follows(): boolean {
    return this.#prepared && this.#state === 'following';
  }

  /** Copies everything anew, and resolves when that is done. */
  async backfill(who: string): Promise<{ rows: number }> {
    const runner = this.#runners.forward;
    await runner.exclusively(() => patiently(() => runner.feed.beginAnew(), this.#stopping.signal));
    await this.#audit(who, 'backfill', {});
    let rows = 0;
    while (!this.#stopping.signal.aborted) {
      const step = await runner.exclusively(() =>
        patiently(() => runner.feed.step(this.#ownership.owner), this.#stopping.signal),
      );
      rows += step.copied;
      if (step.state.backfill.done) return { rows };
    }
    throw new Failure('stopping', 'sync-jobs is stopping.');
  }

  /** Tries a poison row again at once. */
  retry(): void {
    for (const runner of this.#both()) runner.wake();
  }

  /**
   * Leaves the change of a poison row out, for good, and writes down who decided so.
   * @throws Failure `no_poison` where there is none.
   */
  async skip(who: string): Promise<PoisonStatus[]> {
    const skipped: Poison[] = [];
    for (const runner of this.#both()) {
      const poison = await runner.exclusively(() =>
        runner.feed.target.transaction((writer) => skipPoison(writer, runner.feed.name, who)),
      );
      if (poison === undefined) continue;
      runner.feed.forget();
      runner.wake();
      skipped.push(poison);
    }
    if (skipped.length > 0) return skipped.map(shownPoison);
    throw new Failure('no_poison', `${this.name} has no poison row.`, { hint: 'There is nothing to skip.' });
  }

  /** Compares both sides. An incremental one falls back to a full one where the logs do not reach back. */
  async verify(mode: VerifyReport['mode']): Promise<VerifyReport> {
    const report = await this.#withFeeds(async (forward, back) => {
      const run = {
        group: this.#options.group,
        owner: this.#ownership.owner,
        forward,
        back,
        chunkRows: Math.max(this.#options.chunkRows, 2_000),
        signal: this.#stopping.signal,
        reached: (direction: Direction, position: string) =>
          this.#runners[direction].reached(position, patience),
        onProgress: () => {},
      };
      const since = this.#lastVerify;
      if (mode === 'full' || since === null || since.owner !== run.owner) return verifyFull(run);
      return verifyChanged(run, since).catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'verify_too_old') return verifyFull(run);
        throw error;
      });
    });
    await this.#desk.legacy.transaction((writer) => saveReport(writer, this.name, report));
    this.#lastVerify =
      report.mode === 'full' ? report : { ...report, positions: this.#lastVerify?.positions ?? {} };
    if (report.different > 0) {
      this.#options.log.error(
        { group: this.name, ...brief(report) },
        'the sides differ; see `fig sync status`',
      );
    }
    return report;
  }

  /** Rewrites what differs from the owner's side. Without `apply` it only says what it would do. */
  async repair(who: string, apply: boolean): Promise<{ before: VerifyReport; after: VerifyReport | null }> {
    const before = await this.verify('full');
    if (!apply || before.different === 0) return { before, after: null };
    const direction = this.#ownership.owner === 'legacy' ? 'forward' : 'back';
    for (const way of ['forward', 'back'] as const) {
      const { tables } = await this.#runners[way].feed.plans(this.#ownership.owner);
      for (const { plan } of tables) {
        const rows = before.differences.filter(({ table }) => table === plan.source.table);
        if (rows.length === 0 || (way !== direction && this.#ownership.owner === 'legacy')) continue;
        await this.#runners[way].repair(
          plan.source.table,
          rows.map(({ key }) => key),
        );
        await this.#audit(who, 'repair', {
          table: plan.target.table,
          rows: rows.map(({ shownKey: key, kind, columns }) => ({ key, kind, columns })),
        });
      }
    }
    return { before, after: await this.verify('full') };
  }

  /**
   * Gives the group to the other side, once everything the owner wrote has been carried over. Nobody is kept from writing
   * meanwhile: that is for whoever asks to see to.
   * @throws Failure `handover_refused` with all reasons, exit code 3.
   */
  async giveTo(owner: Owner, who: string): Promise<Ownership> {
    const was = await this.#desk.legacy.snapshot((session) => readOwnership(session, this.name));
    if (was.owner === owner) return was;
    const live = this.#runners[was.owner === 'legacy' ? 'forward' : 'back'];
    const reasons: string[] = [];
    if (live.feed.state?.backfill.done !== true) reasons.push('the first copy is not complete');
    if (live.poison !== undefined)
      reasons.push(`${live.feed.name} stands before a row that cannot be carried over`);
    if (this.#preparation.drift.length > 0) reasons.push(...this.#preparation.drift);
    if (reasons.length === 0 && !(await live.reached(await live.feed.sourceShown(), patience))) {
      reasons.push(`${live.feed.name} did not catch up within ${patience / 1000} s`);
    }
    if (reasons.length > 0) {
      throw new Failure('handover_refused', `${this.name} stays with ${was.owner}: ${reasons.join('; ')}.`, {
        hint: 'Mend that, then ask again.',
        exitCode: 3,
      });
    }
    const { forward, back } = this.#runners;
    this.#ownership = await forward.exclusively(() =>
      back.exclusively(async () => {
        // The armed feed goes live from here: what its side wrote before was not the owner's.
        const armed = owner === 'service' ? back : forward;
        await patiently(() => armed.feed.step(was.owner), this.#stopping.signal);
        const is = await this.#desk.legacy.transaction(async (writer) => {
          const changed = await changeOwner(writer, this.name, was, owner);
          await audit(writer, who, 'owner', this.name, { from: was.owner, to: owner, epoch: changed.epoch });
          return changed;
        });
        if (owner === 'legacy') await this.#preparation.unmark();
        for (const runner of [forward, back]) runner.feed.forget();
        return is;
      }),
    );
    this.retry();
    return this.#ownership;
  }

  /** Removes from the logs what nobody needs any more; for the legacy side only up to what every other group needs. */
  async prune(
    legacyBefore: string | undefined,
    mostRows: number,
  ): Promise<{ legacy: number; service: number }> {
    const { back } = this.#runners;
    const consumed = back.feed.state?.position;
    const signal = this.#stopping.signal;
    const keep = async (store: Store, before: string, feed: string) => {
      const verified = this.#lastVerify?.positions[feed];
      const tooMany = (await logRows(store)) > mostRows;
      return verified === undefined || tooMany || BigInt(verified) > BigInt(before) ? before : verified;
    };
    const { legacy, service } = this.#desk;
    const gone = { legacy: 0, service: 0 };
    if (legacyBefore !== undefined) gone.legacy = await pruneLog(legacy, legacyBefore, signal);
    if (consumed !== undefined)
      gone.service = await pruneLog(service, await keep(service, consumed, back.feed.name), signal);
    return gone;
  }

  /** Up to where this group needs the legacy log no more; undefined while that is not known. */
  legacyLogNeededFrom(): string | undefined {
    const { feed } = this.#runners.forward;
    const consumed = feed.state?.position;
    const verified = this.#lastVerify?.positions[feed.name];
    if (consumed === undefined || verified === undefined) return consumed;
    return BigInt(verified) < BigInt(consumed) ? verified : consumed;
  }

  #both(): FeedRunner[] {
    return [this.#runners.forward, this.#runners.back];
  }

  #runner(direction: Direction): FeedRunner {
    const { group, open, chunkRows, follows, throttle } = this.#options;
    const [source, target] =
      direction === 'forward' ? (['legacy', 'service'] as const) : (['service', 'legacy'] as const);
    return new FeedRunner({
      feed: new Feed({ group, direction, source: open(source), target: open(target), chunkRows }),
      direction,
      owner: () => this.#ownership.owner,
      follow: follows,
      throttle,
      allowed: () => this.#allowed(direction),
      onStep: (step) => this.#stepped(direction, step),
      onFailure: (error, pause) => this.#failed(direction, error, pause),
    });
  }

  /** Prepares the databases once, and holds the lease; the back feed waits for the forward one to have done so. */
  async #allowed(direction: Direction): Promise<boolean> {
    if (direction === 'back') return this.#prepared && this.#state !== 'standby';
    const { signal } = this.#stopping;
    if (!this.#prepared) await patiently(() => this.#prepare(), signal);
    if (performance.now() - this.#leased < leaseTime / 3 && this.#leased > 0) return true;
    const held = await patiently(
      () =>
        this.#desk.legacy.transaction((writer) =>
          holdLease(writer, this.#desk.legacy.dialect, this.#lease, this.#holder),
        ),
      signal,
    );
    this.#leased = held ? performance.now() : 0;
    this.#ownership = await this.#desk.legacy.snapshot((session) => readOwnership(session, this.name));
    if (!held) this.#state = 'standby';
    else if (this.#state === 'standby') this.#state = 'starting';
    return held;
  }

  get #lease(): string {
    return `group:${this.name}`;
  }

  async #prepare(): Promise<void> {
    const { legacy } = this.#desk;
    await this.#preparation.prepare();
    this.#ownership = await legacy.snapshot((session) => readOwnership(session, this.name));
    this.#lastVerify = (await legacy.snapshot((session) => loadReport(session, this.name))) ?? null;
    this.#prepared = true;
    this.#runners.back.wake();
    this.#inBackground(async () => {
      this.#total = await this.#preparation.count();
    });
  }

  /** Looks whether triggers and tables are as they were when capture was installed. */
  async lookForDrift(): Promise<void> {
    if (this.#prepared) await patiently(() => this.#preparation.lookForDrift(), this.#stopping.signal);
  }

  #inBackground(work: () => Promise<void>): void {
    this.#background = this.#background.then(work).catch(() => {});
  }

  async #withFeeds<T>(work: (forward: Feed, back: Feed) => Promise<T>): Promise<T> {
    const { group, open, chunkRows } = this.#options;
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

  async #audit(who: string, action: string, detail: unknown): Promise<void> {
    await this.#desk.legacy.transaction((writer) => audit(writer, who, action, this.name, detail));
  }

  #stepped(direction: Direction, step: Step): void {
    this.#failures.succeeded(direction);
    if (direction === 'back') {
      if (step.changes > 0)
        this.#options.log.debug({ group: this.name, changes: step.changes }, 'changes carried back');
      return;
    }
    const done = step.state.backfill.done;
    if (!done) {
      this.#copyBegan ??= { at: performance.now(), rows: step.state.backfill.rows - step.copied };
      this.#state = 'copying';
      this.#options.onProgress(this.#brief());
      return;
    }
    // A copy that begins anew may be over within one step.
    const first = this.#copyBegan !== undefined || this.#state !== 'following' || step.copied > 0;
    this.#state = 'following';
    if (step.changes > 0)
      this.#options.log.info({ group: this.name, changes: step.changes }, 'changes copied');
    if (!first) return;
    this.#copyBegan = undefined;
    this.#options.onCopied(this.#brief());
    this.#markBackfilled();
  }

  #failed(direction: Direction, error: unknown, pause: number): void {
    const failure = asFailure(error);
    if (failure.code === 'feed_moved') return;
    // What was prepared may be gone: another file in its place, a table made anew.
    if (['store_failed', 'capture_missing', 'declaration_refused'].includes(failure.code)) {
      this.#prepared = false;
    }
    this.#failures.failed(direction, failure, pause);
    // A group that was copied before this process began is ready, whatever its feed stands before now.
    if (this.#runners.forward.feed.state?.backfill.done === true) this.#markBackfilled();
  }

  /** All that can be told without asking a database. */
  #brief(): GroupStatus {
    const backfill = this.#runners.forward.feed.state?.backfill;
    const done = backfill?.rows ?? 0;
    const { legacy, service } = this.#desk;
    const failing = this.#failures.now;
    return {
      name: this.name,
      state: failing?.state ?? this.#state,
      owner: this.#ownership.owner,
      epoch: this.#ownership.epoch,
      legacy: legacy.place,
      service: service.place,
      backfilled: backfill?.done ?? false,
      progress: { done, total: this.#total, etaSeconds: this.#eta(done) },
      feeds: [],
      poison: this.#both().flatMap(({ poison }) => (poison === undefined ? [] : [shownPoison(poison)])),
      drift: this.#preparation.drift,
      lastVerify: this.#lastVerify,
      errors: { ...this.#failures.counts },
      error: failing?.error ?? null,
    };
  }

  #eta(done: number): number | null {
    const began = this.#copyBegan;
    if (began === undefined || this.#total === null || done <= began.rows || done >= this.#total) return null;
    const seconds = (performance.now() - began.at) / 1000;
    return Math.ceil((seconds / (done - began.rows)) * (this.#total - done));
  }
}

function shownPoison({ feed, table, key, code, reason, since }: Poison): PoisonStatus {
  return { feed, table, key: shownKey(key), code, reason, since: new Date(since).toISOString() };
}

function brief({ mode, rows, different, unsettled }: VerifyReport): Record<string, unknown> {
  return { mode, rows, different, unsettled };
}
