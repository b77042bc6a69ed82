import { describe, expect, test } from 'vitest';
import { Address } from '../address.ts';
import { Balance } from '../balance.ts';

const ejection = { failures: 5, for: 30_000 };
const checks = { path: '/', interval: 1, timeout: 1, unhealthyAfter: 3, healthyAfter: 2 };

function balance(how: 'round-robin' | 'least-requests', count = 3) {
  const addresses = Array.from({ length: count }, (_, index) => new Address(`http://${index}`, ejection));
  const it = new Balance(addresses, how);
  const picked = (times: number, now = 0) =>
    Array.from({ length: times }, () => it.pick(now).url.at(-1)).join('');
  return { it, picked, addresses: addresses as [Address, Address, Address] };
}

describe('balance', () => {
  test('round robin takes each in turn', () => {
    expect(balance('round-robin').picked(7)).toBe('0120120');
  });

  test('least requests takes the least busy, and among equals each in turn', () => {
    const { picked, addresses } = balance('least-requests');
    expect(picked(3)).toBe('012');
    addresses[0].inFlight = 2;
    addresses[1].inFlight = 1;
    addresses[2].inFlight = 2;
    expect(picked(2)).toBe('11');
  });

  test('one that is not usable is passed over; where none is, all are tried', () => {
    const { picked, addresses } = balance('round-robin');
    for (let time = 0; time < 3; time++) addresses[1].checked(false, checks);
    expect(picked(4)).toBe('0202');
    for (const address of addresses) for (let time = 0; time < 3; time++) address.checked(false, checks);
    expect(picked(3)).toBe('012');
  });

  test('the one that has just failed is avoided, unless there is no other', () => {
    const { it, addresses } = balance('round-robin', 2);
    expect(it.pick(0, addresses[0])).toBe(addresses[1]);
    expect(it.pick(0, addresses[0])).toBe(addresses[1]);
    for (let time = 0; time < 3; time++) addresses[1].checked(false, checks);
    expect(it.pick(0, addresses[0])).toBe(addresses[0]);
  });
});

describe('an address', () => {
  test('is ejected for a while after five failures in a row, and at the first one after it', () => {
    const address = new Address('http://a', ejection);
    for (let time = 0; time < 4; time++) expect(address.failed(0)).toBe(false);
    address.answered();
    for (let time = 0; time < 4; time++) expect(address.failed(1_000)).toBe(false);
    expect(address.failed(1_000)).toBe(true);
    expect(address.failed(2_000)).toBe(false);
    expect([address.usable(30_999), address.usable(31_000)]).toEqual([false, true]);
    expect(address.failed(31_000)).toBe(true);
  });

  test('changes with the third bad and the second good answer in a row', () => {
    const address = new Address('http://a', ejection);
    const told = [false, false, true, false, false, false, true, false, true, true].map((well) =>
      address.checked(well, checks),
    );
    expect(told).toEqual([false, false, false, false, false, true, false, false, false, true]);
    expect(address.healthy).toBe(true);
  });
});
