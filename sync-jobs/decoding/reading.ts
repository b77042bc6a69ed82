import { originSetting } from '../stores/origin.ts';
import { quoted } from '../stores/sql.ts';
import type { Session } from '../stores/store.ts';
import { lsnText } from './log-place.ts';
import { type Message, parseMessage, type Relation } from './pgoutput.ts';
import type { Slot } from './slot.ts';

/** Something that was done to rows, as it was logged. */
export type RowMessage = Extract<Message, { kind: 'insert' | 'update' | 'delete' | 'truncate' }>;

/** A change that was logged. */
export interface Logged {
  /** Grows from change to change, also from transaction to transaction, and is the same at every reading. */
  id: bigint;
  message: RowMessage;
  /** The table as it was then; several where one statement emptied them. */
  relations: Relation[];
}

/** What a slot says, transaction after transaction in the order of their commits. */
export type Event =
  | { kind: 'begin'; xid: number; commit: bigint; at: number }
  /** The transaction is a feed's own. */
  | { kind: 'origin' }
  | { kind: 'change'; change: Logged }
  | { kind: 'end'; end: bigint }
  /** No transaction that comes later committed before this place. */
  | { kind: 'passed'; place: bigint }
  /** There may be more: what was asked for was read. Whole transactions came before it. */
  | { kind: 'limit' };

/** Messages that are held at a time. */
const fetched = 5_000;

/**
 * Reads a slot from what it has confirmed on, to the end of the log that is on disk, or a part of it. The slot stays where
 * it is.
 */
export async function* read(
  session: Session,
  slot: Slot,
  { upTo, messages }: { upTo?: bigint; messages?: number } = {},
): AsyncGenerator<Event> {
  await session.run(
    `DECLARE strangler_changes NO SCROLL CURSOR FOR
     SELECT data FROM pg_logical_slot_peek_binary_changes(?, ?::text::pg_lsn, ?::int,
       'proto_version', '1', 'publication_names', ?, 'messages', 'true')`,
    [
      slot.name,
      upTo === undefined ? null : lsnText(upTo),
      messages === undefined ? null : BigInt(messages),
      quoted(slot.publication),
    ],
  );
  const relations = new Map<number, Relation>();
  let seen = 0;
  let commit = 0n;
  let index = 0n;
  const known = (message: RowMessage) =>
    message.kind === 'truncate' ? message.relations : [message.relation];
  let broken = false;
  try {
    while (true) {
      const rows = await session.query(`FETCH FORWARD ${fetched} FROM strangler_changes`);
      for (const [data] of rows) {
        const message = parseMessage(data as Buffer);
        if (message.kind === 'begin') {
          commit = message.commit;
          index = 0n;
          yield message;
        } else if (message.kind === 'commit') yield { kind: 'end', end: message.end };
        else if (message.kind === 'note') {
          if (!message.transactional) yield { kind: 'passed', place: message.end };
          else if (message.prefix === originSetting) yield { kind: 'origin' };
        } else if (message.kind === 'relation') relations.set(message.relation.id, message.relation);
        else if (message.kind !== 'other') {
          const id = (commit << 32n) | index++;
          const of = known(message).map((one) => relations.get(one)!);
          yield { kind: 'change', change: { id, message, relations: of } };
        }
      }
      seen += rows.length;
      if (rows.length < fetched) break;
    }
  } catch (error) {
    broken = true;
    throw error;
  } finally {
    // Also where the reader has read enough: the next reading of this transaction opens it again.
    if (!broken) await session.run('CLOSE strangler_changes');
  }
  if (messages !== undefined && seen >= messages) yield { kind: 'limit' };
}
