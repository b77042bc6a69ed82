import { z } from 'zod';
import { durationInMilliseconds } from '../routes/duration.ts';
import { share, timeout } from '../routes/schema-values.ts';

/** Which requests are written to the access log; those that fail always are. */
export interface AccessLog {
  /** The share of the others that is written, 0 to 1. */
  readonly sample: number;
  /** Milliseconds from which a request is always written. */
  readonly slow: number;
}

export const accessLogEntry = z
  .strictObject({
    sample: share
      .optional()
      .describe('The share of requests that is written, besides the failed and the slow. Default 100%.')
      .meta({ examples: ['1%'] }),
    slow: timeout.optional().describe('Requests that take this long are always written. Default 1s.'),
  })
  .describe('Which requests are logged. Failed ones always are. Default: all.');

export function compileAccessLog(entry: z.infer<typeof accessLogEntry> | undefined): AccessLog {
  const { sample = '100%', slow = '1s' } = entry ?? {};
  return Object.freeze({ sample: Number.parseFloat(sample) / 100, slow: durationInMilliseconds(slow) });
}

/**
 * Whether a trace is in a sample: a share of all traces, and the same ones in every process that asks.
 * @param traceId 32 hexadecimal digits, of which the last are random (W3C Trace Context, 3.2.2.3).
 */
export function isSampled(traceId: string, share: number): boolean {
  return share >= 1 || Number.parseInt(traceId.slice(-8), 16) < share * 2 ** 32;
}
