import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareAnswers } from '../compare.ts';
import { loadCorpus, type Tolerance } from '../corpus.ts';
import type { Side } from '../replay.ts';
import { logIn, supertestSide } from './supertest-side.ts';
import { startTwoSides, type TwoSides } from './two-sides.ts';

// The same requests go to the monolith and, through the facade, to the extracted services, over identical data.
// A client must not be able to tell which of them answered.

let sides: TwoSides;
let left: Side;
let right: Side;

beforeAll(async () => {
  sides = await startTwoSides();
  left = supertestSide(sides.monolith);
  right = supertestSide(sides.facade);
}, 60_000);
afterAll(() => sides?.stop());

const corpora = await Promise.all(
  ['inventory', 'profile', 'booking'].map((name) =>
    loadCorpus(path.join(import.meta.dirname, '..', 'corpora', `${name}.yaml`)),
  ),
);

describe.each(corpora)('$service', (corpus) => {
  const cookies: Record<string, string> = {};
  beforeAll(async () => {
    for (const [name, { email, password }] of Object.entries(corpus.users)) {
      cookies[name] = await logIn(sides.facade, email, password);
    }
  });

  test.each(corpus.requests)('$name', async (request) => {
    const cookie = request.as === undefined ? undefined : cookies[request.as];
    const [legacy, extracted] = await Promise.all([left(request, cookie), right(request, cookie)]);
    expect(extracted.headers['x-served-by']).toBe(corpus.service);
    expect(compareAnswers(legacy, extracted, request.tolerate)).toEqual([]);
    if (request.status !== undefined) expect(legacy.status, legacy.body).toBe(request.status);
  });
});

describe('a booking from beginning to end', () => {
  const moments: Tolerance[] = ['created_at', 'expires_at', 'paid_at', 'cancelled_at'].flatMap((field) =>
    [`$.${field}`, `$.bookings[*].${field}`].map((at) => ({
      path: at,
      rule: 'time' as const,
      within: 5,
      reason: 'each side notes the time of its own write',
    })),
  );
  let cookie: string;
  let ids: { legacy: number; extracted: number };

  beforeAll(async () => {
    cookie = await logIn(sides.facade, 'user3@example.test', 'ticketnow');
  });

  /** Asks both sides for the booking that each of them made, and expects answers alike. */
  async function alike(method: string, pathOf: (id: number) => string, form?: Record<string, string>) {
    const request = { name: '', method, headers: {}, tolerate: [], ...(form === undefined ? {} : { form }) };
    const [legacy, extracted] = await Promise.all([
      left({ ...request, path: pathOf(ids.legacy) }, cookie),
      right({ ...request, path: pathOf(ids.extracted) }, cookie),
    ]);
    expect(compareAnswers(legacy, extracted, moments)).toEqual([]);
    return legacy;
  }

  async function book(event: number, tickets: number) {
    const request = {
      name: '',
      method: 'POST',
      path: '/api/bookings',
      headers: {},
      json: { event_id: event, num_tickets: tickets },
      tolerate: [],
    };
    const [legacy, extracted] = await Promise.all([left(request, cookie), right(request, cookie)]);
    expect(compareAnswers(legacy, extracted, moments)).toEqual([]);
    return { legacy, extracted };
  }

  async function stockEach(event: number): Promise<number[]> {
    const request = { name: '', method: 'GET', path: `/api/inventory/${event}`, headers: {}, tolerate: [] };
    const answers = await Promise.all([left(request, undefined), right(request, undefined)]);
    return answers.map(({ body }) => (JSON.parse(body) as { stock: number }).stock);
  }

  test('is made, with the same id, total and Location', async () => {
    const event = await eventWithStock(5);
    const [before = 0] = await stockEach(event);
    const { legacy, extracted } = await book(event, 2);
    expect(legacy.status).toBe(201);
    ids = { legacy: JSON.parse(legacy.body).id, extracted: JSON.parse(extracted.body).id };
    expect(await stockEach(event)).toEqual([before - 2, before - 2]);
  });

  test('is listed and read', async () => {
    expect((await alike('GET', () => '/api/bookings')).status).toBe(200);
    expect((await alike('GET', (id) => `/api/bookings/${id}`)).status).toBe(200);
  });

  test('is paid once', async () => {
    const paid = await alike('POST', (id) => `/account/bookings/${id}/pay`, {});
    expect(paid.headers.location).toContain('/account?paid=');
    await alike('POST', (id) => `/account/bookings/${id}/pay`, {});
    await alike('GET', (id) => `/api/bookings/${id}`);
  });

  test('is cancelled once, and its stock comes back', async () => {
    const event = JSON.parse((await alike('GET', (id) => `/api/bookings/${id}`)).body).event_id as number;
    const [before = 0] = await stockEach(event);
    expect(JSON.parse((await alike('POST', (id) => `/api/bookings/${id}/cancel`)).body)).toHaveProperty(
      'ok',
      true,
    );
    expect(await stockEach(event)).toEqual([before + 2, before + 2]);
    await alike('POST', (id) => `/api/bookings/${id}/cancel`);
    await alike('GET', (id) => `/api/bookings/${id}`);
  });

  test('is refused for more than there is, saying how many remain', async () => {
    const event = await eventWithStock(1, 9);
    const { legacy } = await book(event, 10);
    expect(JSON.parse(legacy.body)).toHaveProperty('error', 'not enough tickets');
  });

  test.each(['draft', 'cancelled'])('is refused for an event that is %s', async (status) => {
    const event = await eventThatIs(status);
    const { legacy } = await book(event, 1);
    expect(JSON.parse(legacy.body)).toHaveProperty('error', 'event is not on sale');
  });

  async function stockRows(): Promise<{ item_id: number; stock: number; status: string }[]> {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => {
        const path = `/api/inventory/${index + 1}`;
        return left({ name: '', method: 'GET', path, headers: {}, tolerate: [] }, undefined);
      }),
    );
    return answers.map(({ body }) => JSON.parse(body)).filter((item) => 'stock' in item);
  }

  async function eventWithStock(least: number, most = Number.POSITIVE_INFINITY): Promise<number> {
    const events = await left(
      { name: '', method: 'GET', path: '/api/events?per_page=100', headers: {}, tolerate: [] },
      undefined,
    );
    const found = (JSON.parse(events.body).events as { id: number; stock: number; starts_at: string }[])
      .filter(({ starts_at }) => Date.parse(`${starts_at}Z`) > Date.now())
      .find(({ stock }) => stock >= least && stock <= most);
    if (found === undefined) throw new Error(`the seed has no event with ${least} to ${most} tickets`);
    return found.id;
  }

  async function eventThatIs(status: string): Promise<number> {
    const found = (await stockRows()).find((item) => item.status === status);
    if (found === undefined) throw new Error(`the seed has no event that is ${status}`);
    return found.item_id;
  }
});
