import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

/** One side's answer, as far as it is compared. */
export interface Answer {
  readonly status: number;
  /** Names and values alternating. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Bytes of a body once it is decompressed. */
const longestDecoded = 4 * 1024 * 1024;

const decoders: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** The first header of a name, which is given in lower case; empty where there is none. */
export function headerOf(answer: Answer, name: string): string {
  const { headers } = answer;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name) return headers[index + 1] ?? '';
  }
  return '';
}

/**
 * An answer's body decompressed, because two servers seldom compress alike; as it is where the coding is none or
 * an unknown one.
 * @throws Error where the body is not what its coding says, or too long.
 */
export async function decodedBody(answer: Answer): Promise<Buffer> {
  const decode = decoders[headerOf(answer, 'content-encoding').toLowerCase()];
  if (decode === undefined || answer.body.length === 0) return answer.body;
  return decode(answer.body, { maxOutputLength: longestDecoded });
}
