import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Deadline } from '../deadlines.ts';

function after(milliseconds: number): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    new Deadline(() => resolve(performance.now() - startedAt)).set(milliseconds);
  });
}

test('it is never early, and soon after its time', async () => {
  const wanted = [0, 1, 40, 99, 250, 400];
  const taken = await Promise.all(wanted.map(after));
  for (const [index, milliseconds] of taken.entries()) {
    expect(milliseconds).toBeGreaterThanOrEqual(wanted[index] as number);
    // A tick, and what a busy machine adds.
    expect(milliseconds).toBeLessThan((wanted[index] as number) + 300);
  }
});

test('moved later, it is not reached before; moved earlier, it is', async () => {
  const order: string[] = [];
  const later = Promise.withResolvers<void>();
  const moved = new Deadline(() => {
    order.push('later');
    later.resolve();
  });
  const earlier = new Deadline(() => order.push('earlier'));
  moved.set(50);
  earlier.set(100_000);
  moved.set(300);
  earlier.set(100);
  await after(200);
  expect(order).toEqual(['earlier']);
  await later.promise;
});

test('cleared, it is not reached, also by what another one does in the same moment', async () => {
  const reached: string[] = [];
  const deadlines: Deadline[] = [];
  for (const name of ['a', 'b', 'c']) {
    deadlines.push(
      new Deadline(() => {
        reached.push(name);
        for (const other of deadlines) other.clear();
      }),
    );
  }
  for (const deadline of deadlines) deadline.set(30);
  await after(120);
  expect(reached).toHaveLength(1);
});

test('what arrives while the process is busy arrives before the deadline is looked at', async () => {
  const script = `process.stdout.write('ready'); setTimeout(() => process.stdout.write('answer'), 30)`;
  const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  const order: string[] = [];
  other.stdout.on('data', () => order.push('answer'));
  await new Promise<void>((resolve) => {
    new Deadline(() => {
      order.push('deadline');
      resolve();
    }).set(100);
    const until = performance.now() + 300;
    while (performance.now() < until);
  });
  expect(order).toEqual(['answer', 'deadline']);
});

test('thousands at once, over more than one round', async () => {
  const deadlines = Array.from({ length: 5_000 }, () => new Deadline(() => {}));
  for (const [index, deadline] of deadlines.entries()) deadline.set(60_000 + index * 7);
  const reached = await Promise.all(Array.from({ length: 500 }, (_, index) => after(index % 100)));
  expect(reached).toHaveLength(500);
  for (const deadline of deadlines) deadline.clear();
});
