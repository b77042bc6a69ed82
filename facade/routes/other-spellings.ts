import type { PlacedRoute } from './entries.ts';
import type { Route } from './model.ts';
import { compareElements, compareHost, type ElementPath } from './precedence.ts';
import type { Report } from './report.ts';
import type { Steps } from './slices.ts';
import { SpelledPlaces } from './spelled-places.ts';

/**
 * Warns of routes that write and take one spelling of a path alone, where another spelling goes to another backend.
 * Express takes `/API/Bookings/` for `/api/bookings`: behind a catch-all to it, such a request gets past the route
 * that was cut over, and two sides write.
 */
export function* warnOfOtherSpellings(routes: readonly PlacedRoute[], report: Report): Steps<void> {
  const places = yield* SpelledPlaces.of(routes);
  for (const { route, path } of routes) {
    yield;
    const { match } = route;
    if (!route.writes || match.path.kind !== 'elements') continue;
    for (const spelling of otherSpellings(match.path)) {
      const other = answersTo(spelling, route, places);
      if (other === undefined || targets(other).every((backend) => targets(route).includes(backend)))
        continue;
      report.warning(
        'other_spelling',
        report.source.valueAt([...path, 'match', 'path']),
        `Requests for "/${spelling.join('/')}" get past route "${route.name}": route "${other.name}" (line ${other.at.line}) sends them to ${names(other)}, and "${route.name}" goes to ${names(route)}.`,
        'Where that reads both paths alike, as Express does, say "paths: { caseSensitive: false, trailingSlash: ignore }" at the top of the file.',
      );
      break;
    }
  }
}

/** As somebody might write the path who means the same; parameters by their names. */
function* otherSpellings(path: ElementPath): Iterable<string[]> {
  const texts = path.elements.map((element) =>
    element.kind === 'literal' ? element.text : `:${element.name}`,
  );
  const isRoot = texts.length === 1 && texts[0] === '';
  if (!path.prefix && !path.anyEnd && !isRoot && texts.at(-1) !== '') yield [...texts, ''];
  if (!path.caseSensitive) return;
  for (const [index, { kind }] of path.elements.entries()) {
    const text = texts[index] as string;
    const shouted = text.replace(/%..|[a-z]+/g, (part) => part.toUpperCase());
    if (kind === 'literal' && shouted !== text) yield texts.with(index, shouted);
  }
}

/** The route that takes a spelling which `route` does not. */
function answersTo(spelling: readonly string[], route: Route, places: SpelledPlaces): Route | undefined {
  const candidates = places
    .near(spelling)
    .filter((other) => other !== route && takes(other, spelling) && meets(other, route));
  const [best] = candidates.toSorted(
    (a, b) =>
      compareHost(a.match.host, b.match.host) ||
      compareElements(a.match.path as ElementPath, b.match.path as ElementPath) ||
      (a.match.methods?.length ?? 1000) - (b.match.methods?.length ?? 1000),
  );
  return best;
}

function takes({ match }: Route, spelling: readonly string[]): boolean {
  const path = match.path as ElementPath;
  const { elements } = path;
  const rest = spelling.slice(elements.length);
  const endsThere = path.prefix || rest.length === 0 || (path.anyEnd && rest.length === 1 && rest[0] === '');
  if (!endsThere || spelling.length < elements.length) return false;
  return elements.every((element, index) => {
    const text = spelling[index] as string;
    if (element.kind === 'parameter') return text !== '';
    return element.text === (path.caseSensitive ? text : text.toLowerCase());
  });
}

/** Whether some request of `route` is one of `other` but for its path. */
function meets(other: Route, route: Route): boolean {
  const { host, methods } = other.match;
  if (host !== undefined && host !== route.match.host) return false;
  const wanted = route.match.methods;
  return methods === undefined || wanted === undefined || wanted.some((method) => methods.includes(method));
}

/** The backends that anybody is sent to. */
function targets({ shares }: Route): string[] {
  return shares.filter(({ weight }) => weight > 0).map(({ backend }) => backend);
}

function names(route: Route): string {
  return targets(route).join(' and ');
}
