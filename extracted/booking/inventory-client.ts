import { type IdentityKeys, identityHeader, ownIdentity } from '@ticketnow/service-kit/identity';
import { Pool } from 'undici';
import {
  createPolicy,
  InventoryUnavailableError,
  type PolicySettings,
  TransientInventoryError,
} from './inventory-policy.ts';

/** Tickets that inventory holds for a booking. */
export interface Held {
  outcome: 'held';
  unitPriceCents: number;
}

/** Why it holds none. */
export type ReserveRefusal =
  | { outcome: 'item_not_found' }
  | { outcome: 'not_on_sale' }
  | { outcome: 'insufficient_stock'; remaining: number };

/**
 * The inventory service, over HTTP. Every call is idempotent by its id and is therefore repeated; when it still
 * fails it throws InventoryUnavailableError, and then it may or may not have been done.
 */
export interface InventoryClient {
  reserve(
    id: string,
    wanted: { itemId: number; quantity: number; holdSeconds: number },
    call: Call,
  ): Promise<Held | ReserveRefusal>;
  /** 'closed': the reservation was released or ran out, and can never be confirmed. */
  confirm(id: string, call: Call): Promise<'confirmed' | 'closed'>;
  /** 'confirmed': it stays; 'released': it can never be confirmed any more, whatever is still on its way. */
  release(id: string, call: Call): Promise<'released' | 'confirmed'>;
  /** Gives tickets back, once for each id. */
  giveBack(id: string, tickets: { itemId: number; quantity: number }, call: Call): Promise<void>;
  /** Fails unless inventory is ready. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What belongs to one call. */
export interface Call {
  traceparent: string;
  /** Ends the retries too. */
  budget: AbortSignal;
}

/** How to reach inventory. */
export interface InventoryClientOptions extends PolicySettings {
  /** http(s) origin. */
  url: string;
  /** With keys of booking's own, or the shared secret. */
  identity: IdentityKeys;
  /** For one attempt. Default 1000 ms. */
  attemptTimeoutMs?: number;
}

/** Inventory answered something that its contract does not have. */
export class UnexpectedInventoryAnswerError extends Error {
  readonly code = 'inventory_answer_unexpected';
  readonly hint =
    "Check that both services run versions that fit and that inventory has booking's keys (BOOKING_JWKS_URL).";

  constructor(request: string, status: number, problem: string) {
    super(`Inventory answered ${request} with ${status} ${problem}.`);
    this.name = 'UnexpectedInventoryAnswerError';
  }
}

interface Answer {
  status: number;
  body: { code?: string; unitPriceCents?: number; remaining?: number };
}

/** Connects lazily, keeps connections alive, and sends an identity of its own ('booking') with every call. */
export function createInventoryClient(options: InventoryClientOptions): InventoryClient {
  const timeout = options.attemptTimeoutMs ?? 1000;
  const pool = new Pool(options.url, {
    connections: 64,
    pipelining: 1,
    keepAliveTimeout: 20_000,
    connect: { timeout },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  });
  const policy = createPolicy(options);
  const identity = ownIdentity({ issuer: 'booking', audience: 'inventory' }, options.identity);

  async function attempt(
    method: 'PUT' | 'POST',
    path: string,
    body: object | undefined,
    call: Call,
    signal: AbortSignal,
  ): Promise<Answer> {
    const headers: Record<string, string> = {
      [identityHeader]: await identity(),
      traceparent: call.traceparent,
    };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let answer: Answer;
    try {
      const response = await pool.request({
        method,
        path,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        // The pool bounds connecting, headers and body; the call's budget bounds waiting for a free connection.
        signal,
      });
      answer = { status: response.statusCode, body: (await response.body.json()) as Answer['body'] };
    } catch (error) {
      throw new TransientInventoryError(`${method} ${path} failed`, error);
    }
    if (answer.status >= 500)
      throw new TransientInventoryError(`${method} ${path} answered ${answer.status}`);
    return answer;
  }

  const send = (method: 'PUT' | 'POST', path: string, body: object | undefined, call: Call) =>
    policy.run((signal) => attempt(method, path, body, call, signal), call.budget);

  return {
    async reserve(id, wanted, call) {
      const { status, body } = await send('PUT', `/api/v2/reservations/${id}`, wanted, call);
      if ((status === 200 || status === 201) && body.unitPriceCents !== undefined) {
        return { outcome: 'held', unitPriceCents: body.unitPriceCents };
      }
      if (body.code === 'item_not_found' || body.code === 'not_on_sale') return { outcome: body.code };
      if (body.code === 'insufficient_stock') {
        return { outcome: body.code, remaining: body.remaining ?? 0 };
      }
      // The hold ran out while its answer was on the way.
      if (body.code === 'reservation_closed') throw new InventoryUnavailableError(body.code);
      throw new UnexpectedInventoryAnswerError('a reservation', status, body.code ?? '');
    },

    async confirm(id, call) {
      const { status, body } = await send('POST', `/api/v2/reservations/${id}/confirm`, undefined, call);
      if (status === 200) return 'confirmed';
      if (body.code === 'reservation_closed') return 'closed';
      throw new UnexpectedInventoryAnswerError('a confirmation', status, body.code ?? '');
    },

    async release(id, call) {
      const { status, body } = await send('POST', `/api/v2/reservations/${id}/release`, undefined, call);
      if (status === 200) return 'released';
      if (body.code === 'reservation_confirmed') return 'confirmed';
      throw new UnexpectedInventoryAnswerError('a release', status, body.code ?? '');
    },

    async giveBack(id, tickets, call) {
      const { status, body } = await send('PUT', `/api/v2/returns/${id}`, tickets, call);
      if (status === 200 || status === 201) return;
      throw new UnexpectedInventoryAnswerError('a return', status, body.code ?? '');
    },

    async ping() {
      const response = await pool.request({
        method: 'GET',
        path: '/readyz',
        signal: AbortSignal.timeout(timeout),
      });
      await response.body.dump();
      if (response.statusCode !== 200) throw new Error(`inventory is not ready: ${response.statusCode}`);
    },

    close: () => pool.destroy(),
  };
}
