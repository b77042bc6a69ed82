import { z } from 'zod';
import { httpName, valuesByName } from '../routes/schema-values.ts';

/** The keys of `rewrite`; what needs the route's match or RFC 9110 to judge is in compile-rewrite.ts. */

const headerChanges = (whose: string) =>
  z
    .strictObject({
      set: valuesByName(
        httpName,
        `Headers that ${whose} then has, with this value only. Default: none.`,
      ).optional(),
      add: valuesByName(
        httpName,
        `Header lines that are added to those that ${whose} has. Default: none.`,
      ).optional(),
      remove: z.array(httpName).optional().describe(`Headers that ${whose} then has not. Default: none.`),
    })
    .describe(`What becomes of the headers of ${whose}. Default: nothing.`);

const domain = z
  .string()
  .regex(/^\.?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/, {
    error: 'must be a domain such as shop.example',
  })
  .max(253);

const path = z.string().max(1024);

export const rewriteEntry = z
  .strictObject({
    path: path
      .optional()
      .describe(
        'The path that the backend is asked for instead; ":id" stands for what :id is in the match. Default: as received.',
      )
      .meta({ examples: ['/v2/items/:itemId'] }),
    prefix: path
      .optional()
      .describe(
        'What takes the place of the part of the path before "/*"; the rest stays byte for byte. Default: as received.',
      )
      .meta({ examples: ['/new', '/'] }),
    requestHeaders: headerChanges('the request').optional(),
    responseHeaders: headerChanges('the answer').optional(),
    location: z
      .boolean()
      .optional()
      .describe(
        "A Location that points at the backend's own origin is made to point at the one that the client asked. Default false.",
      ),
    cookieDomain: z
      .record(domain, domain.nullable())
      .optional()
      .describe(
        "Domains of the backend's cookies with what takes their place; null takes the domain away, so that the cookie belongs to the host that was asked. Default: as received.",
      ),
  })
  .describe('What is changed on the way to the backend and back. Default: nothing.');

export type RewriteEntry = z.infer<typeof rewriteEntry>;
export type HeaderChangesEntry = z.infer<ReturnType<typeof headerChanges>>;
