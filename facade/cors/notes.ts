import type { Route } from '../routes/model.ts';

/** What a route says to pages of other origins, a line each. */
export function corsNotes({ cors }: Route): string[] {
  if (cors === undefined) return [];
  const whose = cors.allows === undefined ? 'every origin' : 'the origins of its list';
  const cookies = cors.credentials ? ', with cookies' : '';
  return [`CORS: preflights are answered here, and pages of ${whose} may read answers${cookies}`];
}
