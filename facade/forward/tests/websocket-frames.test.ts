import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocketFrames } from '../websocket-frames.ts';

interface Frame {
  opcode: number;
  length: number;
  masked: boolean;
}

function bytesOf({ opcode, length, masked }: Frame): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? [0x80 | opcode, mask | length]
      : length < 65_536
        ? [0x80 | opcode, mask | 126, length >> 8, length & 0xff]
        : [0x80 | opcode, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  // Payloads that look like headers.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0, 0x88), Buffer.alloc(length, 0x88)]);
}

const frame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  length: fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536, 70_000), fc.nat(2_000)),
  masked: fc.boolean(),
});

test('however the bytes are cut, it stands between frames exactly where one ends', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (all, cuts) => {
        const bytes = Buffer.concat(all.map(bytesOf));
        let end = 0;
        const ends = new Set(all.map((one) => (end += bytesOf(one).length)));
        const places = [...new Set([...cuts.map((cut) => cut % bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        );
        const frames = new WebSocketFrames();
        let at = 0;
        for (const place of places) {
          frames.pass(bytes.subarray(at, place));
          at = place;
          expect(frames.between).toBe(place === 0 || ends.has(place));
        }
        expect(frames.closing).toBe(false);
      },
    ),
    { numRuns: 200 },
  );
});

test('it finds the end of the frame under way', () => {
  const first = bytesOf({ opcode: 2, length: 300, masked: false });
  const second = bytesOf({ opcode: 1, length: 5, masked: false });
  const frames = new WebSocketFrames();
  frames.pass(first.subarray(0, 3));
  expect(frames.passToEnd(Buffer.concat([first.subarray(3), second]))).toBe(first.length - 3);
  expect(frames.between).toBe(true);
});

test('a close frame is seen, a payload that looks like one is not', () => {
  const frames = new WebSocketFrames();
  frames.pass(bytesOf({ opcode: 2, length: 10, masked: false }));
  expect(frames.closing).toBe(false);
  frames.pass(bytesOf({ opcode: 8, length: 2, masked: false }));
  expect(frames.closing).toBe(true);
});
