import { z } from 'zod';
import { httpName } from '../routes/schema-values.ts';

export const forceEntry = z
  .strictObject({
    header: httpName.optional().describe('By this header.'),
    cookie: httpName.optional().describe('By this cookie.'),
  })
  .refine((by) => Object.keys(by).length === 1, { error: 'must name one cookie or one header' })
  .meta({ minProperties: 1, maxProperties: 1 })
  .describe(
    "What lets a tester choose a side: its value names one of the route's backends, also one of weight 0 or the one it compares with; any other value counts as none. Default: nothing does.",
  );

export type ForceEntry = z.infer<typeof forceEntry>;
