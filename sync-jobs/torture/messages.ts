import type { Owner } from '../mapping/group.ts';
import type { Counts } from './counts.ts';
import type { Side } from './schema.ts';

/** What a writer is started with. */
export interface WriterSettings {
  url: string;
  side: Side;
  seed: number;
  name: string;
}

export type ToWriter = 'run' | 'pause';
export type FromWriter =
  | { kind: 'counts'; counts: Counts }
  | { kind: 'paused' }
  | { kind: 'failed'; reason: string };

/** What a process that runs the feeds is started with. */
export interface FeedSettings {
  legacyUrl: string;
  serviceUrl: string;
  owner: Owner;
  seed: number;
  /** Another one for each process of a run. */
  name: string;
  chunkRows: number;
  pageRows: number;
  /** How likely the process ends itself in a transaction of the target. */
  dieInTransaction: number;
}

export type ToFeed = { kind: 'owner'; owner: Owner } | { kind: 'drain'; id: number };
export type FromFeed =
  | { kind: 'owner'; owner: Owner }
  | { kind: 'drained'; id: number }
  | { kind: 'lag'; text: string }
  | { kind: 'failed'; reason: string };
