import { setImmediate as turn } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Feed } from '../feed/feed.ts';
import { readKeys, readRange } from '../feed/range.ts';
import { RowBudget } from '../feed/row-budget.ts';
import type { GroupDeclaration, Owner } from '../mapping/group.ts';
import type { TablePlan } from '../mapping/plan.ts';
import { compareKeys, keyText, type Row } from '../stores/value.ts';
import { type Compared, comparedColumns, compareRows, type Difference } from './differences.ts';

/** What a verification found. */
export interface VerifyReport {
  mode: 'full' | 'incremental';
  /** Which side's rows count. */
  owner: Owner;
  /** ISO 8601, UTC. */
  startedAt: string;
  seconds: number;
  /** Rows of the owner that were compared. */
  rows: number;
  /** Rows left to the service, because it has written them while the legacy side owns the group. */
  kept: number;
  /** All differences, also those that are not listed. */
  different: number;
  /** The first ones. */
  differences: Difference[];
  /** Rows that differed and could not be judged, because the feed did not get to where they were read. */
  unsettled: number;
  /** Positions of the sources when it began, by the feed's name: what changed later is later looked at. */
  positions: Record<string, string>;
}

/** What a verification works with. */
export interface Verification {
  group: GroupDeclaration;
  owner: Owner;
  /** Each with stores of its own, so that a long scan keeps nobody waiting. */
  forward: Feed;
  back: Feed;
  chunkRows: number;
  signal: AbortSignal;
  /** Resolves with whether the running feed of a direction has got to a position, waiting a moment for it. */
  reached(direction: 'forward' | 'back', position: string): Promise<boolean>;
  onProgress(rows: number): void;
}

/** So many differences are listed; the rest is counted. */
const listed = 1_000;

/** Which comparisons say that the follower has what the owner has. */
export async function comparisons(
  run: Pick<Verification, 'owner' | 'forward' | 'back'>,
): Promise<{ feed: Feed; direction: 'forward' | 'back'; compared: Compared }[]> {
  const { tables } = await run.forward.plans(run.owner);
  const whole = (plan: TablePlan): Compared => ({
    plan,
    from: plan.target.key.length,
    to: plan.target.columns.length,
    extras: true,
  });
  if (run.owner === 'legacy') {
    return tables.map(({ plan }) => ({ feed: run.forward, direction: 'forward', compared: whole(plan) }));
  }
  const back = await run.back.plans('service');
  return [
    ...back.tables.map(({ plan }) => ({
      feed: run.back,
      direction: 'back' as const,
      // Where only the legacy side makes rows, one that the service lacks shows in the other direction.
      compared: { ...whole(plan), extras: !plan.target.updateOnly },
    })),
    // What stays the legacy side's follows it whoever owns the rest.
    ...tables.map(({ plan }) => ({
      feed: run.forward,
      direction: 'forward' as const,
      compared: { ...whole(plan), from: plan.target.referenceFrom, extras: false },
    })),
  ];
}

/**
 * Compares every row of a group, in chunks of the key's order, while writes go on. A row that differs at first sight may
 * be on its way; it counts only if it still differs after the feed has come to where it was read, and the owner's row is
 * the same before and after the follower's was looked at.
 */
export async function verifyFull(run: Verification): Promise<VerifyReport> {
  const result = await begin(run, 'full');
  for (const { feed, direction, compared } of await comparisons(run)) {
    const source = compared.plan.source;
    const budget = new RowBudget(run.chunkRows);
    let after: Row | undefined;
    while (true) {
      run.signal.throwIfAborted();
      const limit = budget.rows;
      const { rows, upTo } = await feed.source.snapshot(async (session) => {
        const read = await readRange(session, feed.source.dialect, source, { after, limit });
        const full = read.length === limit;
        return { rows: read, upTo: full ? read.at(-1)!.slice(0, source.key.length) : undefined };
      });
      budget.saw(rows);
      const target = readableTarget(compared.plan, comparedColumns(compared.plan).columns);
      const there = await feed.target.snapshot((session) =>
        readRange(session, feed.target.dialect, target, { after, upTo }),
      );
      const suspects = merge(compared, rows, there, result);
      result.rows += rows.length;
      await judge(run, feed, direction, compared, suspects, result);
      run.onProgress(result.rows);
      if (upTo === undefined) break;
      after = upTo;
      await turn();
    }
  }
  return finish(result);
}

/**
 * Compares the rows that changed on either side since the last full verification, and those that differed at the last one:
 * what was found then is over only when it was looked at again.
 * @throws Failure `verify_too_old` where that cannot be told: the logs do not reach back, or not every row is listed.
 */
export async function verifyChanged(run: Verification, since: VerifyReport): Promise<VerifyReport> {
  const unlisted =
    since.different > since.differences.length || (since.mode === 'full' && since.unsettled > 0);
  if (unlisted) throw tooOld('The last verification left rows open that it does not list.');
  const result = await begin(run, 'incremental');
  for (const { feed, direction, compared } of await comparisons(run)) {
    const { source } = compared.plan;
    const from = since.positions[feed.name];
    const changed = from === undefined ? undefined : await feed.changedSince(from, source);
    if (changed === undefined)
      throw tooOld(`The log of ${feed.name} does not reach back to the last full verification.`);
    const touched = await touchedAtFollower(run, since, direction, source.table);
    if (touched === undefined)
      throw tooOld(`A log of ${run.group.name} does not reach back to the last full verification.`);
    const known = since.differences.filter(({ table }) => table === source.table).map(({ key }) => key);
    const keys = [...new Map([...known, ...changed, ...touched].map((key) => [keyText(key), key])).values()];
    for (let at = 0; at < keys.length; at += 500) {
      run.signal.throwIfAborted();
      const part = keys.slice(at, at + 500);
      result.rows += part.length;
      await judge(run, feed, direction, compared, part, result);
      run.onProgress(result.rows);
    }
  }
  return finish(result);
}

/** Rows of the follower that somebody else than the feed has changed; keys are the same on both sides. */
async function touchedAtFollower(
  run: Verification,
  since: VerifyReport,
  direction: 'forward' | 'back',
  table: string,
): Promise<Row[] | undefined> {
  const opposite = direction === 'forward' ? run.back : run.forward;
  const { tables, armed } = await opposite.plans(run.owner);
  const plan = [...tables.map((one) => one.plan), ...armed].find(({ target }) => target.table === table);
  const from = since.positions[opposite.name];
  return plan === undefined || from === undefined ? undefined : opposite.changedSince(from, plan.source);
}

function tooOld(message: string): Failure {
  return new Failure('verify_too_old', message, { hint: 'Run a full one: `fig sync verify --full`.' });
}

type Running = VerifyReport & { started: number };

async function begin({ owner, forward, back }: Verification, mode: VerifyReport['mode']): Promise<Running> {
  const positions: Record<string, string> = {};
  for (const feed of [forward, back]) positions[feed.name] = await feed.sourceEnd();
  return {
    mode,
    owner,
    startedAt: new Date().toISOString(),
    started: performance.now(),
    seconds: 0,
    rows: 0,
    kept: 0,
    different: 0,
    differences: [],
    unsettled: 0,
    positions,
  };
}

function finish({ started, ...report }: Running): VerifyReport {
  return { ...report, seconds: (performance.now() - started) / 1000 };
}

/** What a plan writes, as something to be read. */
export function readableTarget({ target }: TablePlan, columns = target.columns) {
  return { table: target.table, key: target.key, types: target.types, columns };
}

/** Keys of rows that are not the same at first sight. Both lists are in the order of the key. */
function merge(compared: Compared, rows: Row[], bare: Row[], result: Running): Row[] {
  const width = compared.plan.source.key.length;
  const suspects: Row[] = [];
  let at = 0;
  const look = (source: Row | undefined, there: Row | undefined) => {
    const seen = judgeSafely(compared, source, there);
    if (seen.kept) result.kept++;
    if (seen.suspect) suspects.push((source ?? there)!.slice(0, width));
  };
  for (const row of rows) {
    while (at < bare.length && compareKeys(bare[at]!.slice(0, width), row.slice(0, width)) < 0)
      look(undefined, bare[at++]);
    const same = at < bare.length && compareKeys(bare[at]!.slice(0, width), row.slice(0, width)) === 0;
    look(row, same ? bare[at++] : undefined);
  }
  while (at < bare.length) look(undefined, bare[at++]);
  return suspects;
}

/** A row that cannot be mapped is one that differs. */
function judgeSafely(
  compared: Compared,
  source: Row | undefined,
  there: Row | undefined,
): { suspect: boolean; kept: boolean } {
  try {
    const { difference, kept } = compareRows(compared, source, there);
    return { suspect: difference !== undefined, kept };
  } catch (error) {
    if (error instanceof Failure) return { suspect: true, kept: false };
    throw error;
  }
}

async function judge(
  run: Verification,
  feed: Feed,
  direction: 'forward' | 'back',
  compared: Compared,
  keys: Row[],
  result: Running,
): Promise<void> {
  let open = keys;
  for (let attempt = 0; attempt < 6 && open.length > 0; attempt++) {
    const { rows: before, end } = await feed.readWithEnd(compared.plan.source, open);
    const settled = await run.reached(direction, end);
    const columns = comparedColumns(compared.plan).columns;
    const there = await feed.target.snapshot((session) =>
      readKeys(session, readableTarget(compared.plan, columns), open),
    );
    const { rows: after } = await feed.readWithEnd(compared.plan.source, open);
    const width = compared.plan.source.key.length;
    const index = (rows: Row[]) => new Map(rows.map((row) => [keyText(row.slice(0, width)), row]));
    const [first, target, second] = [index(before), index(there), index(after)];
    const again: Row[] = [];
    for (const key of open) {
      const text = keyText(key);
      const [source, now] = [first.get(text), second.get(text)];
      const unchanged = JSON.stringify(source, exact) === JSON.stringify(now, exact);
      if (source === undefined && target.get(text) === undefined && unchanged) continue;
      const difference = differenceOf(compared, key, now, target.get(text));
      if (difference === undefined) continue;
      if (!unchanged || !settled) again.push(key);
      else record(result, difference);
    }
    open = again;
  }
  result.unsettled += open.length;
}

/** How a row of the follower is not as it has to be; one that cannot be mapped is so by the failure's code. */
export function differenceOf(
  compared: Compared,
  key: Row,
  source: Row | undefined,
  there: Row | undefined,
): Difference | undefined {
  if (source === undefined && there === undefined) return undefined;
  try {
    return compareRows(compared, source, there).difference;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { table } = compared.plan.source;
    return { table, key, shownKey: key.map(String).join(', '), kind: 'different', columns: [error.code] };
  }
}

function record(result: Running, difference: Difference): void {
  result.different++;
  if (result.differences.length < listed) result.differences.push(difference);
}

function exact(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `n${value}` : value;
}
