import { cacheNotes } from '../cache/notes.ts';
import { corsNotes } from '../cors/notes.ts';
import { authNotes } from '../identify/notes.ts';
import { limitNotes } from '../limit/notes.ts';
import type { AnswerRewrite, HeaderChanges } from '../rewrite/rewrite.ts';
import type { Route } from '../routes/model.ts';
import { validateNotes } from '../validate/notes.ts';
import type { Decision } from './decide.ts';

/** What a route does besides choosing a backend, a line each. Headers are named, their values may be secret. */
export function notesOn({ route, forced, backend }: Decision): string[] {
  const { rewrite, compare } = route;
  return [
    ...force(route, forced === true),
    ...authNotes(route),
    ...headers('the request', rewrite?.requestHeaders),
    ...answer(rewrite?.answer),
    ...(compare === undefined || compare.with === backend
      ? []
      : [`compared with ${compare.with}: ${percent(compare.sample)} of the requests`]),
    ...limitNotes(route),
    ...corsNotes(route),
    ...validateNotes(route),
    ...cacheNotes(route),
    ...faults(route),
  ];
}

function force({ force }: Route, forced: boolean): string[] {
  if (force === undefined) return [];
  const by = `${force.by} ${force.name}`;
  return [forced ? `forced by ${by}` : `${by} could force ${force.backends.join(' or ')}`];
}

function headers(of: string, changes: HeaderChanges | undefined): string[] {
  if (changes === undefined) return [];
  const added = new Set(
    changes.append.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
  );
  const set = [...added].filter((name) => changes.drop.has(name));
  const only = [...added].filter((name) => !changes.drop.has(name));
  const removed = [...changes.drop].filter((name) => !added.has(name));
  const parts = [
    ['sets', set],
    ['adds', only],
    ['removes', removed],
  ] as const;
  const done = parts
    .filter(([, names]) => names.length > 0)
    .map(([verb, names]) => `${verb} ${names.join(', ')}`);
  return done.length === 0 ? [] : [`in the headers of ${of}: ${done.join('; ')}`];
}

function answer(rewrite: AnswerRewrite | undefined): string[] {
  if (rewrite === undefined) return [];
  const lines = headers('the answer', rewrite.headers);
  if (rewrite.location) lines.push("a Location at the backend's own origin points at the client's");
  for (const [from, to] of rewrite.cookieDomain ?? []) {
    lines.push(to === null ? `cookies lose their domain ${from}` : `cookies of ${from} go to ${to}`);
  }
  return lines;
}

function faults({ faults }: Route): string[] {
  if (faults === undefined) return [];
  const { delay, abort, share } = faults;
  const what = [
    ...(delay > 0 ? [`delayed by ${delay} ms`] : []),
    ...(abort === undefined ? [] : [`answered ${abort}`]),
  ];
  return [`on purpose, ${percent(share)} of the requests are ${what.join(' and ')}`];
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}
