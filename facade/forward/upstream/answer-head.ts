import { UpstreamFailure } from '../upstream-failure.ts';
import { fields, lineEnd } from './fields.ts';

/** How a body ends (RFC 9112, 6.3). */
export type BodyEnd =
  | { readonly by: 'length'; readonly length: number }
  | { readonly by: 'chunks' }
  /** With the connection. */
  | { readonly by: 'close' };

/** The status line and the headers of one answer. */
export interface AnswerHead {
  readonly status: number;
  /** As it came, possibly empty; each character is one byte. */
  readonly reason: string;
  /** Names and values alternating, in their order and spelling; each character is one byte. */
  readonly headers: string[];
  readonly body: BodyEnd;
  /** Whether the connection can carry another request after this answer. */
  readonly keepsAlive: boolean;
  /** Milliseconds for which the backend keeps it, where it says so. */
  readonly keptFor: number | undefined;
}

const statusLine = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: (.*))?$/;
/** 15 digits are fewer than 2^53. */
const wholeNumber = /^\d{1,15}$/;
const nothing: BodyEnd = Object.freeze({ by: 'length', length: 0 });
const byChunks: BodyEnd = Object.freeze({ by: 'chunks' });
const byClose: BodyEnd = Object.freeze({ by: 'close' });

/**
 * Reads the head of an answer, strictly: what two readers could take for two different things is refused, because
 * the client behind the facade may read it the other way (RFC 9112, 11.1). That concerns line ends, folded lines,
 * lengths that are repeated or stand beside chunks, and codings of the transfer other than `chunked`.
 * @param text without the empty line at its end; each character is one byte.
 * @param method that of the request, which decides whether there can be a body.
 * @throws UpstreamFailure `bad_answer`
 */
export function answerHead(text: string, method: string): AnswerHead {
  const end = text.indexOf(lineEnd);
  const first = statusLine.exec(end === -1 ? text : text.slice(0, end));
  if (first === null) throw new UpstreamFailure('bad_answer', 'its first line is no status line of HTTP/1.1');
  const status = Number(first[2]);
  const old = first[1] === '0';
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  let keptFor: number | undefined;
  const headers =
    end === -1
      ? []
      : fields(text, end + 2, (name, value) => {
          switch (name) {
            case 'content-length':
              if (length !== undefined) throw new UpstreamFailure('bad_answer', 'it has two Content-Length');
              length = value;
              break;
            case 'transfer-encoding':
              coding = coding === undefined ? value : `${coding},${value}`;
              break;
            case 'connection':
              connection += `,${value.toLowerCase()}`;
              break;
            case 'keep-alive':
              keptFor = keptForOf(value);
              break;
          }
        });
  const body = bodyEnd(method, status, length, coding);
  const closes = connection !== '' && /[,\s]close\s*(?:,|$)/.test(connection);
  const stays = !old || (coding === undefined && /[,\s]keep-alive\s*(?:,|$)/.test(connection));
  return {
    status,
    reason: first[3] ?? '',
    headers,
    body,
    keepsAlive: stays && !closes && body !== byClose,
    keptFor,
  };
}

function bodyEnd(
  method: string,
  status: number,
  length: string | undefined,
  coding: string | undefined,
): BodyEnd {
  if (coding !== undefined && length !== undefined) {
    throw new UpstreamFailure('bad_answer', 'it has a Content-Length beside a Transfer-Encoding');
  }
  if (length !== undefined && !wholeNumber.test(length)) {
    throw new UpstreamFailure('bad_answer', 'its Content-Length is no number');
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new UpstreamFailure('bad_answer', 'its Transfer-Encoding is not "chunked"');
  }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return nothing;
  if (coding !== undefined) return byChunks;
  if (length === undefined) return byClose;
  return length === '0' ? nothing : { by: 'length', length: Number(length) };
}

function keptForOf(value: string): number | undefined {
  const seconds = /timeout\s*=\s*"?(\d{1,6})/i.exec(value)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
