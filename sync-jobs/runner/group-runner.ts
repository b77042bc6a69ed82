import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import { slotStatus } from '../decoding/status.ts';
import { Feed, type Step } from '../feed/feed.ts';
import type { Direction, GroupDeclaration } from '../mapping/group.ts';
import { type Ownership, readOwnership } from '../ownership/owner.ts';
import { pruneLog } from '../prune/prune.ts';
import type { Store } from '../stores/store.ts';
import type { VerifyReport } from '../verify/verify.ts';
import { copyAnew } from './copy-anew.ts';
import { FeedRunner } from './feed-runner.ts';
import { FirstCopy } from './first-copy.ts';
import { asFailure, GroupFailures } from './group-failures.ts';
import { GroupLease } from './group-lease.ts';
import { briefStatus, shownPoison } from './group-status.ts';
import { GroupVerification } from './group-verification.ts';
import { giveTo, type OwnerRequest } from './owner-change.ts';
import { Preparation } from './preparation.ts';
import { isTooLong, neededFrom, pruneServiceLog } from './pruning.ts';
import { type Repair, repair } from './repair.ts';
import { patiently } from './retry.ts';
import { bothFeeds, type RunningGroup } from './running-group.ts';
import { skip } from './skip.ts';
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

/** How often triggers and tables are compared with what was installed, in milliseconds. */
const lookEvery = 10_000;

/** Runs one group: both its feeds, and what people and the schedule ask for. */
export class GroupRunner {
  readonly name: string;
  readonly #options: RunnerOptions;
  readonly #stopping = new AbortController();
  readonly #group: RunningGroup;
  readonly #lease: GroupLease;
  readonly #firstCopy = new FirstCopy();
  readonly #failures: GroupFailures;
  readonly #verification: GroupVerification;
  #state: GroupState = 'starting';
  #prepared = false;
  /** When drift was looked for last. */
  #looked = 0;
  #background: Promise<unknown> = Promise.resolve();

  constructor(options: RunnerOptions) {
    const { group: declaration, open, chunkRows, installs, log } = options;
    this.#options = options;
    this.name = declaration.name;
    const desk = { legacy: open('legacy'), service: open('service') };
    this.#group = {
      declaration,
      desk,
      preparation: new Preparation(declaration, desk, installs, log),
      feeds: { forward: this.#feedRunner('forward'), back: this.#feedRunner('back') },
      open,
      chunkRows,
      stopping: this.#stopping.signal,
      log,
      ownership: { owner: 'legacy', epoch: 1, since: null },
    };
    this.#lease = new GroupLease(declaration.name, desk.legacy);
    this.#failures = new GroupFailures(declaration.name, log);
    this.#verification = new GroupVerification(this.#group);
  }

  /** Resolves when the first copy is complete; never rejects. */
  get backfilled(): Promise<void> {
    return this.#firstCopy.completed;
  }

  start(): void {
    const { forward, back } = this.#group.feeds;
    forward.start();
    if (this.#options.follows) back.start();
  }

  async stop(): Promise<void> {
    const { desk } = this.#group;
    this.#stopping.abort();
    await Promise.all(bothFeeds(this.#group).map((runner) => runner.stop()));
    await this.#background.catch(() => {});
    await this.#lease.release();
    this.#state = 'stopped';
    await Promise.all([desk.legacy.close(), desk.service.close()]);
  }

  async status(): Promise<GroupStatus> {
    const feeds = this.#prepared
      ? await Promise.all(bothFeeds(this.#group).map((runner) => runner.status()))
      : [];
    const { desk } = this.#group;
    const slot = this.decodes ? await slotStatus(desk.legacy, this.name).catch(() => undefined) : undefined;
    return { ...this.#brief(), feeds, ...(slot === undefined ? {} : { slot }) };
  }

  /** The legacy side's changes are read from PostgreSQL's own log. */
  get decodes(): boolean {
    return this.#group.declaration.capture === 'decoding';
  }

  /** This instance carries the group's changes over. */
  get follows(): boolean {
    return this.#prepared && this.#state === 'following';
  }

  /** Copies everything anew, and resolves when that is done. */
  async backfill(who: string): Promise<{ rows: number }> {
    this.#requireWork();
    return copyAnew(this.#group, who);
  }

  /** Tries a poison row again at once. */
  retry(): void {
    for (const runner of bothFeeds(this.#group)) runner.wake();
  }

  /**
   * Leaves the change of a poison row out, for good, and writes down who decided so.
   * @param row as the status shows it, `TABLE KEY`.
   * @throws Failure `no_poison` where there is none, `poison_moved` where it is another row.
   */
  async skip(row: string, who: string): Promise<PoisonStatus[]> {
    this.#requireFollowing();
    return (await skip(this.#group, row, who)).map(shownPoison);
  }

  /** Compares both sides. An incremental one falls back to a full one where the logs do not reach back. */
  async verify(mode: VerifyReport['mode']): Promise<VerifyReport> {
    this.#requireFollowing();
    await this.#lookForDrift();
    return this.#verification.verify(mode);
  }

  /** Rewrites what differs from the owner's side. Without `apply` it only says what it would do. */
  async repair(who: string, apply: boolean): Promise<Repair> {
    this.#requireFollowing();
    return repair(this.#group, this.#verification, who, apply);
  }

  /**
   * Gives the group to the other side, once everything the owner wrote has been carried over. Nobody is kept from writing
   * meanwhile: that is for whoever asks to see to.
   * @throws Failure `handover_refused` with all reasons, exit code 3.
   */
  async giveTo(request: OwnerRequest): Promise<Ownership> {
    this.#requireFollowing();
    return giveTo(this.#group, request, {
      lastVerify: this.#verification.last,
      failing: () => this.#failures.now?.error.message,
      lookForDrift: () => this.#lookForDrift(),
    });
  }

  /** Removes from the service's log what nobody needs any more, and says how many rows went. */
  pruneServiceLog(mostRows: number): Promise<number> {
    return pruneServiceLog(this.#group, this.#verification.last, mostRows);
  }

  /** Removes from the legacy log, which all groups share, what lies before a position. */
  pruneLegacyLog(before: string): Promise<number> {
    return pruneLog(this.#group.desk.legacy, before, this.#stopping.signal);
  }

  legacyLogIsTooLong(mostRows: number): Promise<boolean> {
    return isTooLong(this.#group.desk.legacy, mostRows);
  }

  /** Up to where this group needs the legacy log no more; undefined while that is not known. */
  legacyLogNeededFrom(tooLong: boolean): string | undefined {
    return neededFrom(this.#group.feeds.forward.feed, this.#verification.last, tooLong);
  }

  /** Looks whether triggers and tables are as they were when capture was installed. */
  async #lookForDrift(): Promise<void> {
    const { preparation, stopping } = this.#group;
    if (this.#prepared) await patiently(() => preparation.lookForDrift(), stopping);
  }

  /** @throws Failure `standby` where another instance carries the group over, and would not know what this one does. */
  #requireWork(): void {
    if (this.#state !== 'standby') return;
    throw new Failure('standby', `Another instance of sync-jobs works on ${this.name}.`, {
      hint: 'Ask that one: give its address with --url.',
      exitCode: 3,
    });
  }

  /** @throws Failure `standby`, or `not_following` where this instance was told to copy once and carries nothing over. */
  #requireFollowing(): void {
    this.#requireWork();
    if (this.#options.follows) return;
    throw new Failure('not_following', `sync-jobs does not follow the changes of ${this.name}.`, {
      hint: 'Start it without SYNC_FOLLOW=no.',
      exitCode: 3,
    });
  }

  /** Every few seconds, so that a trigger which went with its table is not missed for long. */
  async #lookAgain(): Promise<void> {
    if (performance.now() - this.#looked < lookEvery) return;
    await this.#lookForDrift();
    this.#looked = performance.now();
  }

  #feedRunner(direction: Direction): FeedRunner {
    const { group, open, chunkRows, follows, throttle } = this.#options;
    const [source, target] =
      direction === 'forward' ? (['legacy', 'service'] as const) : (['service', 'legacy'] as const);
    // Where a rate is wanted, larger steps would only mean longer pauses between them.
    const statementRows = throttle.rowsPerSecond === undefined ? {} : { statementRows: chunkRows };
    const stores = { source: open(source), target: open(target) };
    return new FeedRunner({
      feed: new Feed({ group, direction, ...stores, chunkRows, ...statementRows }),
      direction,
      owner: () => this.#group.ownership.owner,
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
    const { stopping } = this.#group;
    if (!this.#prepared) await patiently(() => this.#prepare(), stopping);
    if (this.#lease.fresh) return true;
    await this.#lookAgain();
    const held = await patiently(() => this.#lease.hold(), stopping);
    await this.#readOwnership();
    // What another instance does with the group is known by its state alone.
    if (!held) await this.#group.feeds.forward.feed.look();
    if (!held) this.#state = 'standby';
    else if (this.#state === 'standby') this.#state = 'starting';
    return held;
  }

  async #prepare(): Promise<void> {
    const { preparation, feeds } = this.#group;
    await preparation.prepare();
    await this.#readOwnership();
    await this.#verification.load();
    this.#prepared = true;
    this.#looked = performance.now();
    feeds.back.wake();
    this.#inBackground(async () => this.#firstCopy.counted(await preparation.count()));
  }

  async #readOwnership(): Promise<void> {
    const { desk } = this.#group;
    this.#group.ownership = await desk.legacy.snapshot((session) => readOwnership(session, this.name));
  }

  #inBackground(work: () => Promise<void>): void {
    this.#background = this.#background.then(work).catch(() => {});
  }

  #stepped(direction: Direction, step: Step): void {
    const { log, onProgress, onCopied } = this.#options;
    const { changes, copied, state } = step;
    this.#failures.succeeded(direction);
    if (direction === 'back') {
      if (changes > 0) log.debug({ group: this.name, changes }, 'changes carried back');
      return;
    }
    if (!state.backfill.done) {
      this.#firstCopy.went(step);
      this.#state = 'copying';
      onProgress(this.#brief());
      return;
    }
    // A copy that begins anew may be over within one step.
    const ended = this.#firstCopy.running || this.#state !== 'following' || copied > 0;
    this.#state = 'following';
    if (changes > 0) log.info({ group: this.name, changes }, 'changes copied');
    if (!ended) return;
    this.#firstCopy.ended();
    onCopied(this.#brief());
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
    if (this.#group.feeds.forward.feed.state?.backfill.done === true) this.#firstCopy.foundComplete();
  }

  #brief(): GroupStatus {
    return briefStatus(this.#group, {
      state: this.#state,
      firstCopy: this.#firstCopy,
      failures: this.#failures,
      lastVerify: this.#verification.last,
    });
  }
}
