import { Failure } from '@strangler-fig/kernel/failure';
import type { Owner } from '../mapping/group.ts';
import { changeOwner, type Ownership, readOwnership } from '../ownership/owner.ts';
import { audit } from '../poison/poison.ts';
import type { VerifyReport } from '../verify/verify.ts';
import type { FeedRunner } from './feed-runner.ts';
import { leftOut } from './left-out.ts';
import { patiently } from './retry.ts';
import { bothFeeds, patience, type RunningGroup } from './running-group.ts';

/** Who wants which side to own a group. */
export interface OwnerRequest {
  owner: Owner;
  /** Goes to the audit. */
  who: string;
  /** Give the group away although rows are known to differ; they go to the audit, too. */
  acceptDifferences: boolean;
}

/** What the group's runner knows that may speak against it. */
export interface KnownToRunner {
  lastVerify: VerifyReport | null;
  /** Why the last attempt to carry changes over failed, if it did. */
  failing(): string | undefined;
  /** Looks at the triggers as they are now; what it finds is the preparation's drift. */
  lookForDrift(): Promise<void>;
}

/**
 * Gives the group to the other side, once everything the owner wrote has been carried over. Nobody is kept from writing
 * meanwhile: that is for whoever asks to see to.
 * @throws Failure `handover_refused` with all reasons, exit code 3.
 */
export async function giveTo(
  group: RunningGroup,
  { owner, who, acceptDifferences }: OwnerRequest,
  known: KnownToRunner,
): Promise<Ownership> {
  const { name } = group.declaration;
  const was = await group.desk.legacy.snapshot((session) => readOwnership(session, name));
  if (was.owner === owner) return was;
  const { forward, back } = group.feeds;
  const [live, armed] = was.owner === 'legacy' ? [forward, back] : [back, forward];
  const reasons = await reasonsAgainst(group, live, known);
  const differences = await knownDifferences(group, known, reasons.length > 0);
  if (reasons.length > 0 || (differences.length > 0 && !acceptDifferences)) {
    throw refusal(name, was.owner, owner, reasons, acceptDifferences ? [] : differences);
  }
  group.ownership = await forward.exclusively(() =>
    back.exclusively(async () => {
      // The armed feed goes live from here: what its side wrote before was not the owner's.
      await patiently(() => armed.feed.step(was.owner), group.stopping);
      const is = await group.desk.legacy.transaction(async (writer) => {
        const changed = await changeOwner(writer, name, was, owner);
        const accepted = differences.length > 0 ? { acceptedDifferences: differences } : {};
        await audit(writer, who, 'owner', name, {
          from: was.owner,
          to: owner,
          epoch: changed.epoch,
          ...accepted,
        });
        return changed;
      });
      if (owner === 'legacy') await group.preparation.unmark();
      for (const runner of bothFeeds(group)) runner.feed.forget();
      return is;
    }),
  );
  for (const runner of bothFeeds(group)) runner.wake();
  return group.ownership;
}

/** What keeps the owner's changes from the other side: no answer to it can be accepted. */
async function reasonsAgainst(
  { preparation }: RunningGroup,
  live: FeedRunner,
  { failing, lookForDrift }: KnownToRunner,
): Promise<string[]> {
  const reasons: string[] = [];
  await lookForDrift().catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    reasons.push(clause(error.message));
  });
  if (live.feed.state?.backfill.done !== true) reasons.push('the first copy is not complete');
  if (live.poison !== undefined)
    reasons.push(`${live.feed.name} stands before a row that cannot be carried over`);
  reasons.push(...preparation.drift);
  if (reasons.length === 0 && !(await live.reached(await live.feed.sourceShown(), patience))) {
    const heldBackBy = (await live.status()).heldBackBy.map((other) => `it is held back by ${other}`);
    const cause = failing() ?? heldBackBy.join(', ');
    const late = `${live.feed.name} did not catch up within ${patience / 1000} s`;
    reasons.push(cause === '' ? late : `${late}: ${clause(cause)}`);
  }
  return reasons;
}

/** Rows of which is known that the other side has not what the owner has. */
async function knownDifferences(
  group: RunningGroup,
  { lastVerify }: KnownToRunner,
  refusedAnyway: boolean,
): Promise<string[]> {
  const known: string[] = [];
  if (lastVerify !== null && lastVerify.different > 0)
    known.push(
      `the last verification found ${rows(lastVerify.different)} that ${lastVerify.different === 1 ? 'differs' : 'differ'}`,
    );
  if (lastVerify !== null && lastVerify.unsettled > 0)
    known.push(`the last verification could not judge ${rows(lastVerify.unsettled)}`);
  const out = await leftOut(group).catch((error: unknown) => {
    // A database that is away is said already.
    if (refusedAnyway && error instanceof Failure) return [];
    throw error;
  });
  if (out.length > 0) {
    const first = out.slice(0, 5).join(', ');
    const more = out.length > 5 ? ` and ${out.length - 5} more` : '';
    known.push(`left out by \`fig sync skip\` and different since: ${first}${more}`);
  }
  return known;
}

/** A sentence as a part of a longer one. */
function clause(sentence: string): string {
  return sentence.trim().replace(/\.$/, '');
}

function rows(amount: number): string {
  return amount === 1 ? '1 row' : `${amount} rows`;
}

function refusal(name: string, was: Owner, owner: Owner, reasons: string[], differences: string[]): Failure {
  const side = was === 'legacy' ? 'the legacy side' : 'the service';
  const compare =
    `\`fig sync repair ${name}\` shows the rows that differ, with --apply it mends them; ` +
    `\`fig sync owner ${name} ${owner} --accept-differences\` leaves them as they are, and the audit says so.`;
  const hint = [
    ...(reasons.length > 0 ? ['`fig sync status` shows what is wrong: mend it, then ask again.'] : []),
    ...(differences.length > 0 ? [compare] : []),
  ];
  return new Failure(
    'handover_refused',
    `${name} stays with ${side}: ${[...reasons, ...differences].join('; ')}.`,
    {
      hint: hint.join(' '),
      exitCode: 3,
    },
  );
}
