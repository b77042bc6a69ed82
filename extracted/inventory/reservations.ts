import { ProblemError } from '@ticketnow/service-kit/problem';
import type { Tx } from '@ticketnow/service-kit/session';
import { itemNotFound } from './item-routes.ts';
import type { ItemRow, ReservationRow } from './schema.ts';

// Units of work for the group commit. A refusal is returned, not thrown: nothing has to be undone for it.

/** What a reservation asks for. */
export interface ReservationRequest {
  reservationId: string;
  itemId: number;
  quantity: number;
  /** How long the tickets are kept without a confirmation. */
  holdSeconds: number;
}

/** A reservation as its owner sees it. */
export interface Reservation {
  /** Whether this call made it; false when it repeats an earlier one. */
  created: boolean;
  state: ReservationRow['state'];
  unitPriceCents: number;
  expiresAt: number;
}

/**
 * Takes tickets out of the stock and holds them. The stock moves in one conditional statement, so that no
 * number of instances can sell the last ticket twice; the reservation's row is inserted first, so that of two
 * calls with one id the second finds it.
 */
export async function reserve(
  tx: Tx,
  request: ReservationRequest,
  now: number,
): Promise<Reservation | ProblemError> {
  const item = await tx.first<ItemRow>('SELECT * FROM items WHERE event_id = ?', request.itemId);
  const existing = await find(tx, request.reservationId);
  if (existing !== undefined) return repeat(existing, item, request, now);
  const refusal = refuse(item, request, now);
  if (refusal !== undefined) return refusal;

  const expiresAt = now + request.holdSeconds * 1000;
  const inserted = await tx.run(
    `INSERT INTO reservations (id, item_id, quantity, state, expires_at, created_at)
     VALUES (?, ?, ?, 'held', ?, ?) ON CONFLICT (id) DO NOTHING`,
    request.reservationId,
    request.itemId,
    request.quantity,
    expiresAt,
    now,
  );
  if (inserted === 0) {
    // Another instance's call with this id, or its release, committed between our two statements.
    const other = await find(tx, request.reservationId);
    return other === undefined ? closed(request.reservationId) : repeat(other, item, request, now);
  }
  const sold = await tx.first<{ price_cents: number }>(
    `UPDATE items SET stock = stock - ?, updated_at = ?, written_by = 'service'
     WHERE event_id = ? AND stock >= ? AND sale_status = 'on_sale' AND withdrawn_at IS NULL AND starts_at > ?
     RETURNING price_cents`,
    request.quantity,
    now,
    request.itemId,
    request.quantity,
    now,
  );
  if (sold !== undefined) {
    return { created: true, state: 'held', unitPriceCents: sold.price_cents, expiresAt };
  }
  // Another instance took the tickets between our look and our update.
  await tx.run('DELETE FROM reservations WHERE id = ?', request.reservationId);
  const changed = await tx.first<ItemRow>('SELECT * FROM items WHERE event_id = ?', request.itemId);
  return refuse(changed, request, now) ?? insufficient(0);
}

/** Makes a held reservation final. Repeating it changes nothing; a hold that ran out is closed for good. */
export async function confirm(
  tx: Tx,
  reservationId: string,
  now: number,
): Promise<'confirmed' | ProblemError> {
  const confirmed = await tx.run(
    `UPDATE reservations SET state = 'confirmed' WHERE id = ? AND state = 'held' AND expires_at > ?`,
    reservationId,
    now,
  );
  if (confirmed === 1) return 'confirmed';
  const row = await find(tx, reservationId);
  if (row?.state === 'confirmed') return 'confirmed';
  if (row?.state === 'held') await giveBack(tx, reservationId, 'expired', now);
  return closed(reservationId);
}

/**
 * Ends a reservation that was not confirmed and gives its tickets back, once. An unknown id leaves a tombstone:
 * the reservation may still be on its way, and must find itself closed.
 */
export async function release(
  tx: Tx,
  reservationId: string,
  now: number,
): Promise<'released' | ProblemError> {
  if (await giveBack(tx, reservationId, 'released', now)) return 'released';
  await tx.run(
    `INSERT INTO reservations (id, item_id, quantity, state, expires_at, created_at)
     VALUES (?, NULL, 0, 'released', ?, ?) ON CONFLICT (id) DO NOTHING`,
    reservationId,
    now,
    now,
  );
  const row = await find(tx, reservationId);
  if (row?.state === 'confirmed') return confirmedAlready(reservationId);
  // On PostgreSQL the reservation can have been committed between our two statements: it is released now.
  if (row?.state === 'held') await giveBack(tx, reservationId, 'released', now);
  return 'released';
}

/** Ends up to `limit` holds that ran out; answers how many there were. */
export async function expireHolds(tx: Tx, now: number, limit: number): Promise<number> {
  const due = await tx.all<{ id: string }>(
    `SELECT id FROM reservations WHERE state = 'held' AND expires_at <= ? ORDER BY expires_at LIMIT ?`,
    now,
    limit,
  );
  for (const { id } of due) await giveBack(tx, id, 'expired', now);
  return due.length;
}

/** Forgets released and expired reservations that ran out before `before`; nobody repeats those any more. */
export async function forgetClosed(tx: Tx, before: number, limit: number): Promise<number> {
  return tx.run(
    `DELETE FROM reservations WHERE id IN
     (SELECT id FROM reservations WHERE state IN ('released', 'expired') AND expires_at < ? LIMIT ?)`,
    before,
    limit,
  );
}

/** Only the call that moves the row out of 'held' gives the tickets back. */
async function giveBack(tx: Tx, id: string, state: 'released' | 'expired', now: number): Promise<boolean> {
  const ended = await tx.first<{ item_id: number; quantity: number }>(
    `UPDATE reservations SET state = ? WHERE id = ? AND state = 'held' RETURNING item_id, quantity`,
    state,
    id,
  );
  if (ended === undefined) return false;
  await tx.run(
    `UPDATE items SET stock = stock + ?, updated_at = ?, written_by = 'service' WHERE event_id = ?`,
    ended.quantity,
    now,
    ended.item_id,
  );
  return true;
}

function find(tx: Tx, id: string): Promise<ReservationRow | undefined> {
  return tx.first<ReservationRow>('SELECT * FROM reservations WHERE id = ?', id);
}

function repeat(
  row: ReservationRow,
  item: ItemRow | undefined,
  request: ReservationRequest,
  now: number,
): Reservation | ProblemError {
  if (row.item_id === null) return closed(row.id);
  if (row.item_id !== request.itemId || row.quantity !== request.quantity) {
    return new ProblemError('reservation_conflict', {
      status: 409,
      detail: `Reservation ${row.id} exists with another item or quantity.`,
      hint: 'Use a fresh id for each reservation.',
    });
  }
  const open = row.state === 'confirmed' || (row.state === 'held' && row.expires_at > now);
  if (!open || item === undefined) return closed(row.id);
  return { created: false, state: row.state, unitPriceCents: item.price_cents, expiresAt: row.expires_at };
}

function refuse(
  item: ItemRow | undefined,
  request: ReservationRequest,
  now: number,
): ProblemError | undefined {
  if (item === undefined || item.withdrawn_at !== null) return itemNotFound(request.itemId);
  if (item.sale_status !== 'on_sale' || item.starts_at <= now) {
    return new ProblemError('not_on_sale', { status: 409, detail: `Item ${request.itemId} is not on sale.` });
  }
  return item.stock < request.quantity ? insufficient(item.stock) : undefined;
}

function insufficient(remaining: number): ProblemError {
  return new ProblemError('insufficient_stock', {
    status: 409,
    detail: `Only ${remaining} are left.`,
    members: { remaining },
  });
}

function closed(id: string): ProblemError {
  return new ProblemError('reservation_closed', {
    status: 409,
    detail: `Reservation ${id} was released, ran out or never was.`,
    hint: 'Reserve again with a fresh id.',
  });
}

function confirmedAlready(id: string): ProblemError {
  return new ProblemError('reservation_confirmed', {
    status: 409,
    detail: `Reservation ${id} is confirmed and cannot be released.`,
    hint: 'Give the tickets back with PUT /api/v2/returns/:returnId.',
  });
}
