import { describe, expect, test } from 'vitest';
import { Breaker, type BreakerState } from '../breaker.ts';

const settings = { failures: 5, within: 30_000, coolDown: 30_000, successes: 3 };

function breaker() {
  const changes: BreakerState[] = [];
  return { changes, it: new Breaker(settings, (to) => changes.push(to)) };
}

function fail(it: Breaker, times: number, now: number): void {
  for (let done = 0; done < times; done++) it.failed(it.enter(now), now);
}

function succeed(it: Breaker, times: number, now: number): void {
  for (let done = 0; done < times; done++) it.succeeded(it.enter(now), now);
}

describe('closed', () => {
  test('opens at five failures within 30 s', () => {
    const { it, changes } = breaker();
    fail(it, 4, 1_000);
    expect(it.state).toBe('closed');
    fail(it, 1, 30_000);
    expect(it.state).toBe('open');
    expect(changes).toEqual(['open']);
  });

  test('forgets what is older', () => {
    const { it } = breaker();
    fail(it, 4, 1_000);
    fail(it, 4, 31_001);
    expect(it.state).toBe('closed');
    fail(it, 1, 31_002);
    expect(it.state).toBe('open');
  });

  test('a few failures among many successes are no reason, a fifth of them is', () => {
    const { it } = breaker();
    succeed(it, 100, 0);
    fail(it, 19, 1);
    expect(it.state).toBe('closed');
    fail(it, 1, 2);
    expect(it.state).toBe('open');
  });
});

describe('open', () => {
  test('refuses until it has cooled down, and says how long that is', () => {
    const { it } = breaker();
    fail(it, 5, 0);
    expect(it.enter(1)).toBe(0);
    expect(it.retryAfter(10_000)).toBe(20_000);
    expect(it.enter(29_999)).toBe(0);
    expect(it.enter(30_000)).not.toBe(0);
    expect(it.state).toBe('half-open');
  });

  test('what was sent before it opened says nothing any more', () => {
    const { it } = breaker();
    const early = [it.enter(0), it.enter(0), it.enter(0), it.enter(0)];
    fail(it, 5, 0);
    const trial = it.enter(30_000);
    it.failed(early[0] as number, 30_001);
    it.succeeded(early[1] as number, 30_001);
    it.withdrawn(early[2] as number);
    expect(it.state).toBe('half-open');
    it.succeeded(trial, 30_002);
    succeed(it, 2, 30_003);
    expect(it.state).toBe('closed');
    it.failed(early[3] as number, 30_004);
    expect(it.state).toBe('closed');
  });
});

describe('half-open', () => {
  function halfOpen() {
    const made = breaker();
    fail(made.it, 5, 0);
    return made;
  }

  test('lets three through at once, no more', () => {
    const { it } = halfOpen();
    const tickets = [1, 2, 3].map(() => it.enter(30_000));
    expect(tickets).not.toContain(0);
    expect(it.enter(30_000)).toBe(0);
    it.succeeded(tickets[0] as number, 30_001);
    expect(it.enter(30_001)).toBe(0);
  });

  test('closes when three have succeeded, and begins anew', () => {
    const { it, changes } = halfOpen();
    succeed(it, 3, 30_000);
    expect(changes).toEqual(['open', 'half-open', 'closed']);
    fail(it, 4, 30_001);
    expect(it.state).toBe('closed');
  });

  test('one failure opens it again, for as long as before', () => {
    const { it } = halfOpen();
    succeed(it, 2, 30_000);
    fail(it, 1, 31_000);
    expect(it.state).toBe('open');
    expect(it.retryAfter(31_000)).toBe(30_000);
  });

  test('a trial that said nothing makes room for another', () => {
    const { it } = halfOpen();
    const tickets = [1, 2, 3].map(() => it.enter(30_000));
    it.withdrawn(tickets[0] as number);
    expect(it.enter(30_001)).not.toBe(0);
    expect(it.enter(30_001)).toBe(0);
  });
});
