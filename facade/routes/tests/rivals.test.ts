import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Match, NamedValue, Route } from '../model.ts';
import { compareConditions } from '../precedence.ts';
import { Rivals } from '../rivals.ts';

// Looking rivals up finds the same as comparing each with each.

const named = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2')), {
    maxLength: 2,
    selector: ([name]) => name,
  })
  .map((list): NamedValue[] => list.sort().map(([name, value]) => ({ name, value })));
const mostlyNone = fc.oneof({ weight: 2, arbitrary: fc.constant<NamedValue[]>([]) }, named);

const methods = fc.constantFrom(['GET'], ['POST'], ['GET', 'POST'], undefined);

const matches = fc.array(
  fc.record({ methods, headers: mostlyNone, query: mostlyNone, cookies: mostlyNone }),
  {
    minLength: 2,
    maxLength: 16,
  },
);

const kinds = ['headers', 'query', 'cookies'] as const;

function tie(a: Match, b: Match): boolean {
  const overlap =
    a.methods === undefined || b.methods === undefined
      ? a.methods === b.methods
      : a.methods.some((method) => b.methods?.includes(method));
  const exclude = kinds.some((kind) =>
    a[kind].some(({ name, value }) => b[kind].some((other) => other.name === name && other.value !== value)),
  );
  return compareConditions(a, b) === 0 && overlap && !exclude;
}

function alwaysBefore(match: Match, routes: readonly Route[]): Route[] | undefined {
  const winners = match.methods?.map((method) =>
    routes.find(
      (other) =>
        compareConditions(other.match, match) < 0 &&
        other.match.methods?.includes(method) &&
        kinds.every((kind) =>
          other.match[kind].every(({ name, value }) =>
            match[kind].some((one) => one.name === name && one.value === value),
          ),
        ),
    ),
  );
  if (winners === undefined || winners.includes(undefined)) return undefined;
  return [...new Set(winners as Route[])];
}

test('ties and routes that are never reached', () => {
  const found = { tied: 0, unreachable: 0 };
  fc.assert(
    fc.property(matches, (list) => {
      const routes = list.map((match, index) => ({ name: String(index), match }) as unknown as Route);
      const earlier = new Rivals();
      const all = new Rivals();
      for (const route of routes) all.add(route);
      for (const [index, route] of routes.entries()) {
        const tied = earlier.tiedWith(route.match);
        earlier.add(route);
        expect(tied).toBe(routes.slice(0, index).find((other) => tie(other.match, route.match)));
        const winners = all.alwaysBefore(route.match);
        expect(winners).toEqual(alwaysBefore(route.match, routes));
        if (tied !== undefined) found.tied++;
        if (winners !== undefined) found.unreachable++;
      }
    }),
    { numRuns: 500 },
  );
  expect(Math.min(found.tied, found.unreachable)).toBeGreaterThan(50);
});
