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
}

/** What can be asked of a group, by the last part of its path. The answer is the body. */
export const commands: Record<string, (group: GroupRunner, command: Command) => Promise<object>> = {
  backfill: (group, { who }) => group.backfill(who),
  async retry(group) {
    group.retry();
    return { retried: true };
  },
  skip: async (group, { who }) => ({ skipped: await group.skip(who) }),
  async verify(group, { mode = 'full' }) {
    if (mode !== 'full' && mode !== 'incremental') throw unusable('mode', 'full or incremental');
    return group.verify(mode);
  },
  repair: (group, { who, apply = false }) => group.repair(who, apply),
  async owner(group, { who, owner }) {
    if (owner !== 'legacy' && owner !== 'service') throw unusable('owner', 'legacy or service');
    return group.giveTo(owner, who);
  },
};

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
