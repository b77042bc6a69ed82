import type { PlacedRoute } from './entries.ts';
import type { Route } from './model.ts';
import type { ElementPath } from './precedence.ts';
import type { Steps } from './slices.ts';

/** Routes by their path's elements, whatever the case. */
interface Place {
  readonly routes: Route[];
  readonly literals: Map<string, Place>;
  parameter: Place | undefined;
}

/** Finds the routes without further conditions whose path may be one that somebody writes. */
export class SpelledPlaces {
  readonly #root = place();

  static *of(routes: readonly PlacedRoute[]): Steps<SpelledPlaces> {
    const places = new SpelledPlaces();
    for (const { route } of routes) {
      places.#add(route);
      yield;
    }
    return places;
  }

  /** Those whose elements are the first ones of a path, or all of it, in any case. */
  near(path: readonly string[]): Route[] {
    const found: Route[] = [];
    collect(this.#root, path, 0, found);
    return found;
  }

  #add(route: Route): void {
    const { path, headers, query, cookies } = route.match;
    if (path.kind !== 'elements' || headers.length + query.length + cookies.length > 0) return;
    let at = this.#root;
    for (const element of (path as ElementPath).elements) {
      if (element.kind === 'parameter') {
        at.parameter ??= place();
        at = at.parameter;
      } else {
        const key = element.text.toLowerCase();
        const next = at.literals.get(key) ?? place();
        at.literals.set(key, next);
        at = next;
      }
    }
    at.routes.push(route);
  }
}

function place(): Place {
  return { routes: [], literals: new Map(), parameter: undefined };
}

function collect(from: Place, path: readonly string[], depth: number, found: Route[]): void {
  found.push(...from.routes);
  const element = path[depth];
  if (element === undefined) return;
  const literal = from.literals.get(element.toLowerCase());
  if (literal !== undefined) collect(literal, path, depth + 1, found);
  if (from.parameter !== undefined) collect(from.parameter, path, depth + 1, found);
}
