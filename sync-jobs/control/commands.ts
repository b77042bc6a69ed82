import { Failure } from '@strangler-fig/kernel/failure';
import type { GroupRunner } from '../runner/group-runner.ts';

/** What a request that changes something says. */
export interface Command {
  /** Who asks; goes to the audit. */
  who: string;
  /** `full` or `incremental`. */
  mode?: string;
  apply?: boolean;
  owner?: string;
  /** Give the group away although rows are known to differ. */
  acceptDifferences?: boolean;
  /** The poison row that is meant, as the status shows it: `TABLE KEY`. */
  row?: string;
}

/** What can be asked of a group, by the last part of its path. The answer is the body. */
export const commands: Record<string, (group: GroupRunner, command: Command) => Promise<object>> = {
  backfill: (group, { who }) => group.backfill(who),
  async retry(group) {
    group.retry();
    return { retried: true };
  },
  async skip(group, { who, row }) {
    if (typeof row !== 'string' || row === '') throw unusable('row', 'the poison row, "TABLE KEY"');
    return { skipped: await group.skip(row, who) };
  },
  async verify(group, { mode = 'full' }) {
    if (mode !== 'full' && mode !== 'incremental') throw unusable('mode', 'full or incremental');
    await copied(group);
    return group.verify(mode);
  },
  async repair(group, { who, apply = false }) {
    await copied(group);
    return group.repair(who, apply === true);
  },
  async owner(group, { who, owner, acceptDifferences }) {
    if (owner !== 'legacy' && owner !== 'service') throw unusable('owner', 'legacy or service');
    return group.giveTo({ owner, who, acceptDifferences: acceptDifferences === true });
  },
};

/**
 * What has not been copied yet is no difference.
 * @throws Failure `not_backfilled`, exit code 3.
 */
async function copied(group: GroupRunner): Promise<void> {
  const { backfilled, progress, error } = await group.status();
  if (backfilled) return;
  const so = `${progress.done} rows${progress.total === null ? ' so far' : ` of ${progress.total}`}`;
  const why = error === null ? so : `${so}; ${error.message.trim().replace(/\.$/, '')}`;
  throw new Failure('not_backfilled', `${group.name}: the first copy is not complete (${why}).`, {
    hint: 'Wait for it: `fig sync status --watch`.',
    exitCode: 3,
  });
}

/**
 * A command out of a request's body.
 * @throws Failure `body_invalid`
 */
export function readCommand(text: string, who: string | undefined): Command {
  const body = text.trim() === '' ? {} : parsed(text);
  return { ...body, who: (who ?? 'unknown').slice(0, 100) };
}

function parsed(text: string): Partial<Command> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new Failure('body_invalid', 'The body is not a JSON object.', {
    hint: 'Send {} or nothing.',
    exitCode: 2,
  });
}

function unusable(name: string, choices: string): Failure {
  return new Failure('body_invalid', `${name} has to be ${choices}.`, {
    hint: 'Correct the body.',
    exitCode: 2,
  });
}
