import type { Route } from '../routes/model.ts';

/** What a caller has to bring, as a line for `fig explain`. */
export function authNotes({ auth }: Route): string[] {
  if (!auth?.jwt) return [];
  const what = auth.session ? 'a bearer token or a session' : 'a bearer token';
  return [auth.required ? `needs ${what}` : `takes ${what}, and goes on without`];
}
