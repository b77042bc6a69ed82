import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

/** `application/json` of `Application/JSON; charset=utf-8`. */
export function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The most specific of the media ranges that a body's type is in, such as application/json before application/*. */
export function rangeOf(type: string, ranges: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestRank = 0;
  for (const range of ranges) {
    const wanted = mediaType(range);
    const rank = wanted === type ? 3 : wanted === `${type.split('/', 1)[0]}/*` ? 2 : wanted === '*/*' ? 1 : 0;
    if (rank > bestRank) [best, bestRank] = [range, rank];
  }
  return best;
}

export function isJson(type: string): boolean {
  return type === 'application/json' || /^application\/[^/+]+(?:\+[^/+]+)*\+json$/.test(type);
}

/** JSON is UTF-8 (RFC 8259, 8.1); what says otherwise might be read otherwise. */
export function isUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1]?.toLowerCase();
  return charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii';
}

const decoders: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Whether a body with this Content-Encoding can be read. */
export function isDecodable(coding: string | undefined): boolean {
  return (
    coding === undefined ||
    coding.toLowerCase() === 'identity' ||
    Object.hasOwn(decoders, coding.toLowerCase())
  );
}

/**
 * The bytes behind a Content-Encoding.
 * @param most bytes that come out.
 * @returns undefined where they cannot be had, or are more.
 */
export function decoded(bytes: Buffer, coding: string | undefined, most: number): Buffer | undefined {
  const decode = decoders[coding?.toLowerCase() ?? ''];
  if (decode === undefined) return bytes;
  try {
    return decode(bytes, { maxOutputLength: most });
  } catch {
    return undefined;
  }
}
