import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerHead } from '../answer-head.ts';
import { AnswerReader } from '../answer-reader.ts';

interface Told {
  interim: number[];
  head: AnswerHead | undefined;
  body: string;
  trailers: readonly string[] | undefined;
  reusable: boolean;
}

/** What a reader tells of bytes that come in these pieces, and then the end of the connection. */
function read(pieces: readonly Buffer[], method = 'GET'): Told {
  const told: Told = { interim: [], head: undefined, body: '', trailers: undefined, reusable: false };
  const reader = new AnswerReader({
    interim: ({ status }) => told.interim.push(status),
    head(head) {
      told.head = head;
    },
    data(piece) {
      told.body += piece.toString('latin1');
    },
    end(trailers) {
      told.trailers = trailers;
    },
  });
  reader.expect(method);
  for (const piece of pieces) reader.read(piece);
  told.reusable = reader.reusable;
  reader.closed();
  return told;
}

const whole = (text: string, method?: string) => read([Buffer.from(text, 'latin1')], method);

const answers = {
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'no body': 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n',
  chunked:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6 ;a="b"\r\n world\r\n0\r\n\r\n',
  trailers:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-A: 1\r\nX-B: \xe9\r\n\r\n',
  'padded sizes': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5   \r\nhello\r\n0 \r\n\r\n',
  'until closed': 'HTTP/1.1 200 OK\r\n\r\nall of it\r\n0\r\n\r\n',
  interim:
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'line breaks before': '\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'empty reason': 'HTTP/1.1 599\r\nContent-Length: 0\r\n\r\n',
  'spaces around values': 'HTTP/1.1 200 OK\r\nX-A: \t a b \t\r\nX-B:\r\nContent-Length:2\r\n\r\nok',
};

describe('an answer is the same however it is cut into pieces', () => {
  test.each(Object.entries(answers))('%s', (_, text) => {
    const bytes = Buffer.from(text, 'latin1');
    const expected = read([bytes]);
    expect(expected.head).toBeDefined();
    expect(expected.trailers).toBeDefined();
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length })), (places) => {
        const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
        const pieces = cuts.slice(1).map((to, index) => bytes.subarray(cuts[index], to));
        expect(read(pieces)).toEqual(expected);
      }),
    );
    expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });
});

test('what a head says is told as it was written', () => {
  const { head, body } = whole(answers['spaces around values']);
  expect(head).toMatchObject({ status: 200, reason: 'OK', keepsAlive: true });
  expect(head?.headers).toEqual(['X-A', 'a b', 'X-B', '', 'Content-Length', '2']);
  expect(body).toBe('ok');
  expect(whole(answers.trailers).trailers).toEqual(['X-A', '1', 'X-B', '\xe9']);
  expect(whole(answers.interim).interim).toEqual([103, 100]);
});

test.each([
  ['length', true],
  ['chunked', true],
  ['until closed', false],
] as const)('an answer by %s leaves a connection that can be used again: %s', (name, reusable) => {
  expect(whole(answers[name]).reusable).toBe(reusable);
});

test.each([
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n'],
  ['close among others', 'HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['bytes behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n'],
  ['bytes behind chunks', `${answers.chunked}x`],
  ['bytes behind a head alone', 'HTTP/1.1 304 Not Modified\r\n\r\n0\r\n\r\n'],
])('%s: the connection is not used again', (_, text) => {
  const told = whole(text);
  expect(told.trailers).toBeDefined();
  expect(told.reusable).toBe(false);
});

test('HTTP/1.0 that asks for it is kept', () => {
  const { reusable } = whole('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok');
  expect(reusable).toBe(true);
});

test('the answer to HEAD has no body, whatever its head says', () => {
  expect(whole('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD')).toMatchObject({
    body: '',
    reusable: true,
  });
  expect(whole('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'HEAD').trailers).toEqual([]);
});

test.each([
  ['a line break without CR', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n'],
  ['a line break without CR within', 'HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\n\r\n'],
  ['a CR alone', 'HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2: 3\r\n\r\n'],
  ['a NUL', 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok'],
  ['no name', 'HTTP/1.1 200 OK\r\n: 2\r\n\r\nok'],
  ['no colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 99 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a status that begins with 0', 'HTTP/1.1 020 OK\r\n\r\n'],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
  ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
  ['a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok'],
  ['a hexadecimal length', 'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok'],
  ['an empty length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok'],
  ['a length beyond 2^53', 'HTTP/1.1 200 OK\r\nContent-Length: 9007199254740993\r\n\r\nok'],
  [
    'a length beside chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a coding that would get lost', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  [
    'chunked twice',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['nearly chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n'],
  [
    'a chunk of a negative size',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n',
  ],
  ['a chunk of 0x2', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n'],
  [
    'a chunk longer than its size',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n',
  ],
  ['a size beyond 2^53', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'f'.repeat(14)}\r\n`],
  ['chunks with LF alone', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n'],
  ['an endless extension', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(5_000)}`],
  ['an endless head', `HTTP/1.1 200 OK\r\n${'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(3_000)}`],
  [
    'endless trailers',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'X-A: aaaaaaaaaaaaaaaaa\r\n'.repeat(4_000)}`,
  ],
])('%s is refused, in one piece and byte by byte', (_, text) => {
  const bytes = Buffer.from(text, 'latin1');
  const refused = expect.objectContaining({ kind: 'bad_answer' });
  expect(() => read([bytes])).toThrow(refused);
  expect(() => read([...bytes].map((byte) => Buffer.from([byte])))).toThrow(refused);
});

test('framing and what means nothing behind a body is dropped from trailers', () => {
  const text =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\nX-A: 1\r\nSet-Cookie: a=b\r\n\r\n';
  expect(whole(text).trailers).toEqual(['X-A', '1']);
});
