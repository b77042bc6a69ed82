import type { Logger } from '@strangler-fig/kernel/log';
import type { GroupDeclaration } from '../mapping/group.ts';
import type { Ownership } from '../ownership/owner.ts';
import { audit } from '../poison/poison.ts';
import type { Store } from '../stores/store.ts';
import type { FeedRunner } from './feed-runner.ts';
import type { Desk, Preparation } from './preparation.ts';

/** A group that runs, as those work with it who do something to it. */
export interface RunningGroup {
  readonly declaration: GroupDeclaration;
  readonly desk: Desk;
  readonly preparation: Preparation;
  readonly feeds: { readonly forward: FeedRunner; readonly back: FeedRunner };
  /** Opens a store anew at each call: whoever works at the same time has connections of its own. */
  open(side: 'legacy' | 'service'): Store;
  readonly chunkRows: number;
  /** Aborted when the group stops. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
  /** As it was read, or changed by us, last. */
  ownership: Ownership;
}

/** How long a person's command waits for a feed to get to a position, in milliseconds. */
export const patience = 10_000;

export function bothFeeds({ feeds }: RunningGroup): FeedRunner[] {
  return [feeds.forward, feeds.back];
}

/** Writes down what a person did to a group's data. */
export async function auditGroup(
  { declaration, desk }: RunningGroup,
  who: string,
  action: string,
  detail: unknown,
): Promise<void> {
  await desk.legacy.transaction((writer) => audit(writer, who, action, declaration.name, detail));
}
