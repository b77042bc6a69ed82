import type { Match, NamedValue, Route } from './model.ts';

/**
 * Routes with the same host and path, to be asked which of them stand in the way of another. There may be thousands,
 * one for each value of a header: so they are looked up, never compared each with each.
 */
export class Rivals {
  /** Those that list as many methods, and the same names of headers, query parameters and cookies. */
  readonly #kinds = new Map<string, Kind>();
  #count = 0;

  add(route: Route): void {
    const { match } = route;
    const conditions = conditionsOf(match);
    const key = [methodCount(match), ...conditions.keys()].join('\0');
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = new Kind(match, conditions);
      this.#kinds.set(key, kind);
    }
    kind.add({ route, conditions, place: this.#count++ });
  }

  /**
   * The first that some request matches as well as `match`, so that no rule decides between them: with as many
   * conditions, a method in common, and no condition that excludes the other's.
   */
  tiedWith(match: Match): Route | undefined {
    const conditions = conditionsOf(match);
    let first: Rival | undefined;
    for (const kind of this.#kinds.values()) {
      if (!kind.asSpecificAs(match)) continue;
      const shared = kind.names.filter((name) => conditions.has(name));
      for (const method of match.methods ?? [anyMethod]) {
        first = earlier(first, kind.first(method, shared, conditions));
      }
    }
    return first?.route;
  }

  /** The routes that together take every request of `match` before it; undefined where some request reaches it. */
  alwaysBefore(match: Match): Route[] | undefined {
    if (match.methods === undefined) return undefined;
    const conditions = conditionsOf(match);
    const kinds = [...this.#kinds.values()].filter(
      ({ methods, names }) => methods < methodCount(match) && names.every((name) => conditions.has(name)),
    );
    const winners = new Set<Route>();
    for (const method of match.methods) {
      let first: Rival | undefined;
      for (const kind of kinds) first = earlier(first, kind.first(method, kind.names, conditions));
      if (first === undefined) return undefined;
      winners.add(first.route);
    }
    return [...winners];
  }
}

interface Rival {
  readonly route: Route;
  readonly conditions: Conditions;
  /** How many were added before it. */
  readonly place: number;
}

/** Values by `header:name`, `query:name` and `cookie:name`. */
type Conditions = ReadonlyMap<string, string>;

class Kind {
  readonly methods: number;
  readonly names: readonly string[];
  readonly #counts: readonly number[];
  readonly #members: Rival[] = [];
  /** For each selection of names that was asked for: the first of each method and values of those names. */
  readonly #firsts = new Map<
    string,
    { readonly names: readonly string[]; readonly firsts: Map<string, Rival> }
  >();

  constructor(match: Match, conditions: Conditions) {
    this.methods = methodCount(match);
    this.names = [...conditions.keys()];
    this.#counts = [match.headers.length, match.query.length, match.cookies.length];
  }

  asSpecificAs(match: Match): boolean {
    const [headers, query, cookies] = this.#counts;
    return (
      this.methods === methodCount(match) &&
      headers === match.headers.length &&
      query === match.query.length &&
      cookies === match.cookies.length
    );
  }

  add(rival: Rival): void {
    this.#members.push(rival);
    for (const { names, firsts } of this.#firsts.values()) enter(firsts, names, rival);
  }

  /** The first that takes the method and has these values of the names. */
  first(method: string, names: readonly string[], values: Conditions): Rival | undefined {
    const selection = names.join('\0');
    let entered = this.#firsts.get(selection);
    if (entered === undefined) {
      entered = { names, firsts: new Map() };
      for (const rival of this.#members) enter(entered.firsts, names, rival);
      this.#firsts.set(selection, entered);
    }
    return entered.firsts.get(lookUp(method, names, values));
  }
}

function enter(firsts: Map<string, Rival>, names: readonly string[], rival: Rival): void {
  for (const method of rival.route.match.methods ?? [anyMethod]) {
    const key = lookUp(method, names, rival.conditions);
    if (!firsts.has(key)) firsts.set(key, rival);
  }
}

function lookUp(method: string, names: readonly string[], values: Conditions): string {
  return JSON.stringify([method, ...names.map((name) => values.get(name))]);
}

function conditionsOf({ headers, query, cookies }: Match): Conditions {
  const named = (kind: string, list: readonly NamedValue[]) =>
    list.map(({ name, value }): [string, string] => [`${kind}:${name}`, value]);
  return new Map([...named('header', headers), ...named('query', query), ...named('cookie', cookies)]);
}

const anyMethod = '*';

/** Any method is more than any list. */
function methodCount({ methods }: Match): number {
  return methods?.length ?? Number.MAX_SAFE_INTEGER;
}

function earlier(a: Rival | undefined, b: Rival | undefined): Rival | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.place < a.place ? b : a;
}
