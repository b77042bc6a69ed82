import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RoutesInvalid } from '../../routes/problem.ts';
import { decide } from '../decide.ts';
import { explain } from '../explain.ts';
import { hostMatches, pathMatches, takesMethod, unmetCondition } from '../predicates.ts';
import { Probe } from '../probe.ts';
import { anyRequest, match } from './routes-and-requests.ts';
import { tableOf } from './table.ts';

/** Routes that may stand in one file: those that tie with one before, or cannot be reached, are dropped. */
const routes = fc.uniqueArray(match, { minLength: 2, maxLength: 12 }).map((candidates) => {
  const kept: string[] = [];
  for (const [index, candidate] of candidates.entries()) {
    const route = `name: r${index}, match: ${candidate}, to: a`;
    try {
      tableOf(...kept, route);
      kept.push(route);
    } catch (error) {
      if (!(error instanceof RoutesInvalid)) throw error;
    }
  }
  return kept;
});

const requests = fc.array(anyRequest, { minLength: 5, maxLength: 10 });

test("the order of the file's routes never changes a decision", () => {
  fc.assert(
    fc.property(
      routes.chain((kept) =>
        fc.tuple(fc.constant(kept), fc.shuffledSubarray(kept, { minLength: kept.length })),
      ),
      requests,
      ([kept, shuffled], all) => {
        const [one, other] = [tableOf(...kept), tableOf(...shuffled)];
        expect(other.routes.map(({ name }) => name)).toEqual(one.routes.map(({ name }) => name));
        for (const request of all) {
          expect(decide(other, request)?.route.name).toBe(decide(one, request)?.route.name);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a decision is a route that matches, and there is one wherever a route matches', () => {
  fc.assert(
    fc.property(routes, requests, (kept, all) => {
      const table = tableOf(...kept);
      for (const request of all) {
        const probe = new Probe(request);
        const matching = table.routes.filter(
          ({ match: { host, path }, match }) =>
            hostMatches(host, probe.host) &&
            pathMatches(path, probe) &&
            takesMethod(match, probe) &&
            unmetCondition(match, probe) === undefined,
        );
        const route = decide(table, request)?.route;
        if (route === undefined) expect(matching).toEqual([]);
        else expect(matching).toContain(route);
      }
    }),
    { numRuns: 60 },
  );
});

test('explain and decide never disagree', () => {
  fc.assert(
    fc.property(routes, requests, (kept, all) => {
      const table = tableOf(...kept);
      for (const request of all) {
        const { candidates, decision, omitted } = explain(table, request);
        const winners = candidates.filter(({ verdict }) => verdict === 'wins').map(({ route }) => route);
        const decided = decide(table, request)?.route;
        expect(winners).toEqual(decided === undefined ? [] : [decided]);
        expect(decision?.route).toBe(decided);
        expect(candidates.length + omitted).toBe(table.routes.length);
        const everything = explain(table, request, { all: true }).candidates;
        expect(new Set(everything.map(({ route }) => route))).toEqual(new Set(table.routes));
        const firstMatch = everything.find(({ verdict }) => verdict !== 'no_match');
        expect(firstMatch?.route).toBe(decided);
      }
    }),
    { numRuns: 60 },
  );
});
