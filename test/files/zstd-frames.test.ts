import { expect, test } from 'vitest';
import { ZstdFrames } from '../../src/files/compression/zstd-frames.js';

const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

/** A zstd frame (RFC 8878) of raw (0) and run-length (1) blocks. */
function frame(blocks: readonly { type: 0 | 1; size: number }[], descriptor: number): Buffer {
  const single = (descriptor >> 5) & 1;
  const extra = 1 - single + [0, 1, 2, 4][descriptor & 3]! + [single, 2, 4, 8][descriptor >> 6]!;
  const pieces = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor]), Buffer.alloc(extra, 0xff)];
  for (const [i, { type, size }] of blocks.entries()) {
    const header = Buffer.alloc(4);
    header.writeUInt32LE((size << 3) | (type << 1) | (i === blocks.length - 1 ? 1 : 0));
    pieces.push(header.subarray(0, 3), Buffer.alloc(type === 1 ? 1 : size, 0xee));
  }
  return Buffer.concat([...pieces, Buffer.alloc(descriptor & 4, 0xcc)]);
}

test('a stream is whole at the end of each frame and nowhere else', () => {
  const frames = [0x00, 0x04, 0x20, 0x24, 0x41, 0x82, 0xe7].map((descriptor) =>
    frame(
      [
        { type: 0, size: 5 },
        { type: 1, size: 70_000 },
        { type: 0, size: 0 },
      ],
      descriptor,
    ),
  );
  const stream = Buffer.concat([...frames.slice(0, 3), skippable, ...frames.slice(3)]);
  const ends = new Set<number>([0]);
  let at = 0;
  for (const piece of [...frames.slice(0, 3), skippable, ...frames.slice(3)]) {
    at += piece.length;
    ends.add(at);
  }
  for (let length = 0; length <= stream.length; length++) {
    for (const step of [1, 7, 1000]) {
      const walker = new ZstdFrames();
      for (let from = 0; from < length; from += step) walker.push(stream.subarray(from, Math.min(from + step, length)));
      expect(walker.complete, `${length} bytes`).toBe(ends.has(length));
    }
  }
});

test('what is no zstd stream is left to the decoder', () => {
  const walker = new ZstdFrames();
  walker.push(Buffer.from('plain text'));
  expect(walker.complete).toBe(true);
});
