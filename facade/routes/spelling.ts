import { z } from 'zod';

/** Which spellings of a path are the same to a route. */
export interface Spelling {
  readonly caseSensitive: boolean;
  /** `ignore`: `/x/` is `/x`. It concerns exact paths; a prefix has both anyway, a regular expression says itself. */
  readonly trailingSlash: 'distinguish' | 'ignore';
}

/** What routes go by where neither they nor the file say anything. */
export const exactSpelling: Spelling = Object.freeze({ caseSensitive: true, trailingSlash: 'distinguish' });

/** The keys by which a match, or the whole file, says so. */
export const spellingKeys = {
  caseSensitive: z
    .boolean()
    .optional()
    .describe('Whether /API differs from /api. Default: as `paths` says, else true.'),
  trailingSlash: z
    .enum(['distinguish', 'ignore'])
    .optional()
    .describe('Whether /x/ differs from the exact path /x. Default: as `paths` says, else distinguish.'),
};

/** How applications read paths: Express, unless told otherwise, is loose in both. */
export const paths = z
  .strictObject(spellingKeys)
  .describe(
    'How every match reads paths that does not say itself. For Express: { caseSensitive: false, trailingSlash: ignore }.',
  );

interface SpellingEntry {
  readonly caseSensitive?: boolean | undefined;
  readonly trailingSlash?: Spelling['trailingSlash'] | undefined;
}

/** What a match says, else what the file says, else exactly as written. */
export function spellingOf(match: SpellingEntry, file: SpellingEntry | undefined): Spelling {
  return {
    caseSensitive: match.caseSensitive ?? file?.caseSensitive ?? exactSpelling.caseSensitive,
    trailingSlash: match.trailingSlash ?? file?.trailingSlash ?? exactSpelling.trailingSlash,
  };
}
