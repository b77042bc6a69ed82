import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@strangler-fig/kernel/failure';
import type { GroupStatus } from '@strangler-fig/sync-jobs/runner/status';
import { Screen } from './screen.ts';
import { statusText } from './status-text.ts';
import { line, styled } from './text.ts';

/**
 * Follows the groups until the process is asked to end. That sync-jobs is away for a while is shown, and no end.
 * @returns the groups as they were last; undefined where sync-jobs was away.
 */
export async function watch(
  first: GroupStatus[],
  read: () => Promise<GroupStatus[]>,
  json: boolean,
): Promise<GroupStatus[] | undefined> {
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  const { stdout } = process;
  const show = stdout.isTTY && process.env.TERM !== 'dumb' && !json ? onTerminal() : asLines(json);
  let groups: GroupStatus[] | undefined = first;
  show(first, undefined);
  while (true) {
    await delay(1000, undefined, { signal: ending.signal }).catch(() => {});
    if (ending.signal.aborted) return groups;
    try {
      groups = await read();
      show(groups, undefined);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      groups = undefined;
      show(undefined, error);
    }
  }
}

type Show = (groups: GroupStatus[] | undefined, failure: Failure | undefined) => void;

function onTerminal(): Show {
  const screen = new Screen(process.stdout);
  return (groups, failure) => {
    const now = new Date();
    const time = styled('dim', `${now.toLocaleTimeString('en-GB')}, Ctrl-C ends`);
    const lines = groups === undefined ? [styled('red', failure!.line)] : statusText(groups, now.getTime());
    screen.draw([time, '', ...lines]);
  };
}

/** One line whenever a group is not as it was. */
function asLines(json: boolean): Show {
  const last = new Map<string, string>();
  const say = (name: string, text: string, value: object) => {
    if (last.get(name) === text) return;
    last.set(name, text);
    const at = new Date().toISOString();
    line(json ? JSON.stringify({ at, ...value }) : `${at} ${text}`);
  };
  return (groups, failure) => {
    if (groups === undefined) {
      const { code, message } = failure!;
      return say('', message, { error: { code, message } });
    }
    if (last.has('')) say('', 'sync-jobs answers again', { error: null });
    last.delete('');
    for (const group of groups) say(group.name, changeLine(group), brief(group));
  };
}

function brief({ name, state, owner, epoch, backfilled, poison, drift, lastVerify }: GroupStatus) {
  const different = lastVerify?.different ?? 0;
  return {
    group: name,
    state,
    owner,
    epoch,
    backfilled,
    poison: poison.length,
    drift: drift.length,
    different,
  };
}

function changeLine(group: GroupStatus): string {
  const { state, owner, epoch, poison, drift, different } = brief(group);
  const wrong = [
    ...(poison > 0 ? [`${poison} poison`] : []),
    ...(drift > 0 ? [`${drift} drift`] : []),
    ...(different > 0 ? [`${different} different`] : []),
  ];
  return [`${group.name}: ${state}`, `owned by ${owner}`, `epoch ${epoch}`, ...wrong].join(', ');
}
