import type { IncomingMessage } from 'node:http';
import { hasBody } from '../forward/request-body.ts';
import { isPutBack } from '../validate/buffered-body.ts';

/** What is left of a request's body that somebody in the application has read. */
export type BodyLeft =
  /** There was nothing in it. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'bytes';
      readonly bytes: Buffer;
      /** The bytes are as they came, so that Content-Encoding still says what they are. */
      readonly asReceived: boolean;
    }
  /** What it was cannot be told any more. */
  | { readonly kind: 'lost' };

interface Parsed {
  /** The bytes themselves, by the convention of `verify` functions. */
  readonly rawBody?: unknown;
  /** What a body parser made of them. */
  readonly body?: unknown;
}

/** Whether somebody in the application has read a request's body, or is about to. */
export function isBodyRead(request: IncomingMessage): boolean {
  if (!hasBody(request) || isPutBack(request)) return false;
  return request.readableDidRead || request.readableEnded || request.readableFlowing === true;
}

/**
 * Finds what was read. Bytes that were kept (`rawBody`, or `body` by express.raw) are taken as they are; text is
 * encoded again in the charset that it came in. From parsed JSON and forms the same content is written again, which
 * are seldom the same bytes: a signature over them no longer fits.
 */
export function bodyLeft(request: IncomingMessage): BodyLeft {
  if (!request.readableEnded) return { kind: 'lost' };
  const { rawBody, body } = request as Parsed;
  if (Buffer.isBuffer(rawBody)) {
    const asReceived = String(rawBody.length) === request.headers['content-length'];
    return { kind: 'bytes', bytes: rawBody, asReceived };
  }
  if (!request.readableDidRead) return { kind: 'none' };
  const bytes = writtenAgain(body, request);
  return bytes === undefined ? { kind: 'lost' } : { kind: 'bytes', bytes, asReceived: false };
}

/** A request's headers, names and values alternating, with what they say of the body put right. */
export function describing(left: BodyLeft, headers: readonly string[]): string[] {
  const changed: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    const lower = name.toLowerCase();
    if (lower === 'content-length' || lower === 'transfer-encoding') continue;
    // Body parsers decompress.
    if (lower === 'content-encoding' && left.kind === 'bytes' && !left.asReceived) continue;
    changed.push(name, headers[index + 1] as string);
  }
  changed.push('content-length', left.kind === 'bytes' ? String(left.bytes.length) : '0');
  return changed;
}

function writtenAgain(body: unknown, { headers }: IncomingMessage): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  const contentType = (headers['content-type'] ?? '').toLowerCase();
  const encoding = encodings[/;\s*charset="?([^";\s]*)/.exec(contentType)?.[1] ?? 'utf-8'];
  if (encoding === undefined) return undefined;
  const type = contentType.split(';', 1)[0]?.trim() ?? '';
  const isJson = /^application\/(?:[^/]*\+)?json$/.test(type);
  if (typeof body === 'string') {
    const text = Buffer.from(body, encoding);
    // A JSON type with a string is either text that was left as it was, or a string that was the whole JSON.
    if (!isJson || String(text.length) === headers['content-length']) return text;
  }
  if (isJson) return Buffer.from(JSON.stringify(body), encoding);
  const isForm = type === 'application/x-www-form-urlencoded' && typeof body === 'object' && body !== null;
  return isForm ? Buffer.from(formOf(body), encoding) : undefined;
}

/** In a charset that is not here, text cannot be written again. */
const encodings: Readonly<Record<string, BufferEncoding | undefined>> = {
  'utf-8': 'utf8',
  'us-ascii': 'latin1',
  latin1: 'latin1',
  'iso-8859-1': 'latin1',
  'utf-16le': 'utf16le',
};

/** A form as both parsers of express.urlencoded read it: `a=1&a=2`, `a[b]=1`, `a[]=1` for a list of one. */
function formOf(fields: object): string {
  const pairs: string[] = [];
  const add = (key: string, value: unknown): void => {
    if (Array.isArray(value)) {
      const plain = value.every((item) => typeof item !== 'object');
      value.forEach((item, index) => {
        add(plain ? (value.length > 1 ? key : `${key}[]`) : `${key}[${index}]`, item);
      });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) add(`${key}[${name}]`, item);
    } else pairs.push(`${encodeURIComponent(key)}=${encodeURIComponent(String(value ?? ''))}`);
  };
  for (const [name, value] of Object.entries(fields)) add(name, value);
  return pairs.join('&');
}
