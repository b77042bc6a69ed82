import type { Known } from './introspection.ts';
import { bestPairs, likeness } from './words.ts';

/** Which of the service's tables holds a legacy table's rows, and whether that is more than a guess. */
export interface TablePair {
  legacy: Known;
  service: Known;
  sure: boolean;
}

/** Less than this is chance. */
const least = 0.2;

/**
 * Finds for each legacy table the service's: by its name, and by the names of their columns.
 * @param chosen the service's table by legacy table, where it was said.
 */
export function pairTables(legacy: Known[], service: Known[], chosen: Map<string, string>): TablePair[] {
  const said = legacy.flatMap((one) => {
    const to = service.find(({ name }) => name === chosen.get(one.name));
    return to === undefined ? [] : [{ legacy: one, service: to, sure: true }];
  });
  const free = (one: Known) => said.every((pair) => pair.legacy !== one && pair.service !== one);
  const guessed = bestPairs(legacy.filter(free), service.filter(free), tableLikeness, least);
  return [
    ...said,
    ...guessed.map(({ left, right, score }) => ({ legacy: left, service: right, sure: score >= 0.6 })),
  ];
}

function tableLikeness(legacy: Known, service: Known): number {
  const names = likeness(legacy.name, service.name);
  const columns = (known: Known) => [...known.shape.columns.keys()];
  const [left, right] = [columns(legacy), columns(service)];
  const shared = bestPairs(left, right, likeness, 0.5).reduce((sum, { score }) => sum + score, 0);
  // A service's table has fewer columns than the legacy one, or a few more of its own.
  const alike = shared / Math.min(left.length, right.length);
  return names >= 0.9 ? names + alike / 100 : 0.45 * names + 0.55 * alike;
}

/** A table that refers to another comes after it; what refers in a circle stays as it came. */
export function inOrder(pairs: TablePair[]): TablePair[] {
  const ordered: TablePair[] = [];
  const rest = [...pairs];
  while (rest.length > 0) {
    const waits = ({ service }: TablePair) =>
      rest.some((other) => other.service !== service && service.shape.refersTo.includes(other.service.name));
    const next = rest.findIndex((pair) => !waits(pair));
    ordered.push(...rest.splice(next === -1 ? 0 : next, 1));
  }
  return ordered;
}
