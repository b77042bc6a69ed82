import { Failure } from '@strangler-fig/kernel/failure';
import {
  type InstallPlan,
  install,
  planInstall,
  planUninstall,
  uninstall,
} from '@strangler-fig/sync-jobs/capture/installation';
import {
  installDecoding,
  planDecoding,
  planUninstallDecoding,
  uninstallDecoding,
} from '@strangler-fig/sync-jobs/decoding/installation';
import { readShapes } from '@strangler-fig/sync-jobs/feed/shapes';
import { groupsHeld } from '@strangler-fig/sync-jobs/lease/lease';
import type { GroupDeclaration } from '@strangler-fig/sync-jobs/mapping/group';
import { readOwnership } from '@strangler-fig/sync-jobs/ownership/owner';
import { patiently } from '@strangler-fig/sync-jobs/runner/retry';
import type { Store } from '@strangler-fig/sync-jobs/stores/store';
import { withDatabases } from './databases.ts';

/** What was, or would be, run in one database. */
export interface DatabasePlan extends InstallPlan {
  side: 'legacy' | 'service';
  groups: string[];
}

/** What was, or would be, run in all. */
export interface CapturePlan {
  applied: boolean;
  databases: DatabasePlan[];
  /** Groups that are left out, because tables of theirs are not there yet. */
  waiting: { group: string; code: string; message: string }[];
  /** Why it is not, or would not be, run. */
  refusals: { code: string; message: string; hint: string }[];
}

/**
 * Installs capture, or says what that would run. Each group's declaration is held against its tables first: a trigger
 * that names a column which is not there would fail every write of the application.
 * @throws Failure `declaration_refused` with all reasons, exit code 2, before anything is changed.
 */
export function installing(names: readonly string[], apply: boolean): Promise<CapturePlan> {
  return withDatabases(names, async ({ groups, declared, legacy, service, each }) => {
    const ready: GroupDeclaration[] = [];
    const waiting: CapturePlan['waiting'] = [];
    const refusals: Failure[] = [];
    for (const group of groups) {
      const failure = await unfit(group, legacy, service(group));
      if (failure === undefined) ready.push(group);
      else if (failure.code === 'declaration_refused') refusals.push(failure);
      else waiting.push({ group: group.name, code: failure.code, message: failure.line });
    }
    if (refusals.length > 0) throw together(refusals);
    const databases: DatabasePlan[] = [];
    for (const { store, side, groups: here } of ready.length === 0 ? [] : each(ready)) {
      const named = { side, groups: here.map(({ name }) => name) };
      const plan = await patiently(() => (apply ? install : planInstall)(store, here, side), never);
      // After the triggers: who moves from one way of capture to the other has the new one before the old one goes.
      const decoding =
        side === 'service'
          ? undefined
          : await patiently(() => (apply ? installDecoding : planDecoding)(store, here, declared), never);
      databases.push({ ...joined(plan, decoding), ...named });
    }
    return { applied: apply, databases, waiting, refusals: [] };
  });
}

/**
 * Takes away from every database all that was ever installed there, or says what that would run. With it goes who owns
 * what: everything would be the legacy side's again.
 * @param force also where an instance of sync-jobs works on a group.
 * @throws Failure `service_owns` or `sync_running` with all reasons, exit code 3, before anything is changed.
 */
export function uninstalling(apply: boolean, force: boolean): Promise<CapturePlan> {
  return withDatabases([], async ({ groups, legacy, each }) => {
    const refusals = [
      ...(await ownedByServices(legacy, groups)),
      ...(force ? [] : await heldByInstances(legacy, groups)),
    ];
    const [first] = refusals;
    if (apply && first !== undefined) {
      throw new Failure(first.code, refusals.map(({ message }) => message).join(' '), {
        hint: refusals.map(({ hint }) => hint).join(' '),
        exitCode: 3,
      });
    }
    const databases: DatabasePlan[] = [];
    for (const { store, side, groups: here } of each(groups)) {
      const decoding = await patiently(
        () => (apply ? uninstallDecoding : planUninstallDecoding)(store),
        never,
      );
      const plan = await patiently(() => (apply ? uninstall : planUninstall)(store), never);
      databases.push({ ...joined(decoding, plan), side, groups: here.map(({ name }) => name) });
    }
    return { applied: apply, databases, waiting: [], refusals };
  });
}

function joined(one: InstallPlan, other: InstallPlan | undefined): InstallPlan {
  if (other === undefined) return one;
  return {
    place: one.place,
    statements: [...one.statements, ...other.statements],
    drift: [...one.drift, ...other.drift],
  };
}

/** Ctrl-C ends the process: what runs in a transaction is undone by the database. */
const never = new AbortController().signal;

async function unfit(group: GroupDeclaration, legacy: Store, service: Store): Promise<Failure | undefined> {
  try {
    await patiently(() => readShapes(group, legacy, service), never);
    return undefined;
  } catch (error) {
    if (error instanceof Failure && ['tables_missing', 'declaration_refused'].includes(error.code))
      return error;
    throw error;
  }
}

/** Several groups' refusals as one. */
function together(refusals: readonly Failure[]): Failure {
  const [first] = refusals;
  const message = refusals.map((refusal) => refusal.message.trimEnd()).join('\n');
  return new Failure('declaration_refused', `${message}\n`, { hint: first?.hint ?? '', exitCode: 2 });
}

async function ownedByServices(
  legacy: Store,
  groups: readonly GroupDeclaration[],
): Promise<CapturePlan['refusals']> {
  const table = await patiently(() => legacy.shape('strangler_owner'), never);
  if (table === undefined) return [];
  const owned: string[] = [];
  for (const { name } of groups) {
    const { owner } = await patiently(
      () => legacy.snapshot((session) => readOwnership(session, name)),
      never,
    );
    if (owner === 'service') owned.push(name);
  }
  if (owned.length === 0) return [];
  const give = owned.map((name) => `\`fig sync owner ${name} legacy\``).join(', ');
  return [
    {
      code: 'service_owns',
      message: `${owned.join(', ')}: the service owns the group's rows.`,
      hint: `Uninstalling forgets that, and what the services write would be lost. Give it back first: ${give}.`,
    },
  ];
}

async function heldByInstances(
  legacy: Store,
  groups: readonly GroupDeclaration[],
): Promise<CapturePlan['refusals']> {
  const table = await patiently(() => legacy.shape('strangler_lease'), never);
  if (table === undefined) return [];
  const names = groups.map(({ name }) => name);
  const held = await patiently(
    () => legacy.snapshot((session) => groupsHeld(session, legacy.dialect, names)),
    never,
  );
  if (held.length === 0) return [];
  return [
    {
      code: 'sync_running',
      message: `sync-jobs works on ${held.join(', ')}.`,
      hint: 'Stop sync-jobs first; one that was killed counts as running for some seconds. --force does not look.',
    },
  ];
}
