import { z } from 'zod';
import { duration, httpName } from '../routes/schema-values.ts';

const origin = z.string().max(300);

const method = z
  .string()
  .regex(/^[A-Z][A-Z-]{0,31}$/, { error: 'must be a method in capitals, such as GET' });

const headerName = httpName.refine((name) => name !== '*', {
  error: 'must be the name of a header, because browsers read "*" in two ways',
});

const settings = z
  .strictObject({
    origins: z
      .union([z.literal('*'), z.array(origin).min(1).max(256)])
      .describe(
        'Whose pages may read the answers: a list of origins such as https://shop.example, or https://*.shop.example for every host below it; "*" is everybody.',
      )
      .meta({ examples: [['https://shop.example', 'https://*.shop.example']] }),
    methods: z
      .array(method)
      .min(1)
      .max(32)
      .optional()
      .describe(
        "Methods that a preflight allows. Default: the route's, or the usual ones where it takes any.",
      ),
    headers: z
      .array(headerName)
      .max(128)
      .optional()
      .describe('Request headers that a preflight allows. Default: those that it asks for.'),
    expose: z
      .array(headerName)
      .max(128)
      .optional()
      .describe(
        'Headers of the answer that pages may read, besides those that they always may. Default: none.',
      ),
    credentials: z
      .boolean()
      .optional()
      .describe('Whether pages may send cookies along. Not with origins "*". Default false.'),
    maxAge: duration
      .optional()
      .describe('How long a browser may keep the answer to a preflight. Default: as it likes, mostly 5s.'),
  })
  .describe('Cross-origin sharing (CORS).');

const meaning =
  'Which pages of other origins may read the answers (CORS). The facade answers preflights itself, and what the backend says of it is replaced.';

/** The top-level key `cors`. */
export const corsDefault = settings.describe(`${meaning} For every route without a "cors" of its own.`);

/** The key `cors` of a route. */
export const corsEntry = z
  .union([z.literal(false), settings])
  .describe(
    `${meaning} Default: as at the top level, else the backend's own business; false: that in any case.`,
  );

export type CorsEntry = z.infer<typeof settings>;
