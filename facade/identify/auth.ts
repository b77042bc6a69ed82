import { z } from 'zod';

/** How the caller of a route is identified. */
export interface RouteAuth {
  /** By a bearer token, where the request has one. */
  readonly jwt: boolean;
  /** By the application's session, where the request has no token. */
  readonly session: boolean;
  /** A caller who is not known is answered 401 by the facade. */
  readonly required: boolean;
}

const way = z.enum(['session', 'jwt']);

const ways = z.array(way).min(1, { error: 'must name session, jwt or both' });

/** The key `auth` of a route. */
export const authEntry = z
  .union([
    way,
    ways,
    z.strictObject({
      by: z.union([way, ways]).describe('jwt, session, or [jwt, session].'),
      required: z
        .boolean()
        .optional()
        .describe(
          'Whether a caller who is not known is answered 401. Default true with jwt; with session alone the application answers those who are not logged in.',
        ),
    }),
  ])
  .describe(
    'How the caller is identified: jwt verifies the bearer token, session asks the application whose session cookie it is, [jwt, session] takes whichever is there. Default: callers are not identified.',
  )
  .meta({ examples: ['session', 'jwt', ['jwt', 'session'], { by: 'jwt', required: false }] });

export type AuthEntry = z.infer<typeof authEntry>;

/** What an entry of `auth` means. */
export function compileAuth(entry: AuthEntry): RouteAuth {
  const { by, required = undefined } =
    typeof entry === 'string' || Array.isArray(entry) ? { by: entry } : entry;
  const named = typeof by === 'string' ? [by] : by;
  const jwt = named.includes('jwt');
  return Object.freeze({ jwt, session: named.includes('session'), required: required ?? jwt });
}
