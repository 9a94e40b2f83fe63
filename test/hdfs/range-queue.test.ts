import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { RangeQueue } from '../../src/hdfs/range-queue.js';
import type { Sink } from '../../src/hdfs/sink.js';

const KIB = 1 << 10;
const OPTIONS = { start: 0, end: 4096 * KIB, firstBytes: 16 * KIB, rangeBytes: 64 * KIB, mostRangeBytes: 512 * KIB };

/** The byte at an offset. */
const byteAt = (offset: number): number => Math.floor(offset / (16 * KIB)) & 255;

/** Brings a range in pieces of up to 16 KiB, as fast as they are wanted; counts them. */
function source() {
  const seen = { bytes: 0, running: 0, sizes: [] as number[] };
  const fetch = async (start: number, end: number, sink: Sink, stop: AbortSignal): Promise<void> => {
    seen.sizes.push(end - start);
    seen.running++;
    for (let at = start; at < end; ) {
      const room = sink.room()?.subarray(0, Math.min(16 * KIB - (at % (16 * KIB)), end - at));
      if (room === undefined) {
        await sink.wanted();
        if (stop.aborted) break;
      } else {
        room.fill(byteAt(at));
        at += room.length;
        seen.bytes += room.length;
        sink.filled(room.length);
        await new Promise(setImmediate);
      }
    }
    seen.running--;
  };
  return { seen, fetch };
}

async function drain(queue: RangeQueue): Promise<number> {
  let at = 0;
  for (let chunk = await queue.next(); chunk !== undefined; chunk = await queue.next()) {
    expect(chunk[0]).toBe(byteAt(at));
    at += chunk.length;
  }
  return at;
}

test('what is ahead of a slow reader is bounded, however large the ranges are', async () => {
  const { seen, fetch } = source();
  const queue = new RangeQueue({ ...OPTIONS, parallel: 4, fetch });
  let taken = 0;
  for (let i = 0; i < 50; i++) {
    taken += (await queue.next())!.length;
    await new Promise(setImmediate);
    expect(seen.bytes - taken).toBeLessThanOrEqual(4 * OPTIONS.rangeBytes);
  }
  expect(Math.max(...seen.sizes)).toBe(OPTIONS.mostRangeBytes);
  queue.stop();
});

test('ranges grow on a fast connection, and all bytes come in order', async () => {
  const { seen, fetch } = source();
  expect(await drain(new RangeQueue({ ...OPTIONS, parallel: 4, fetch }))).toBe(OPTIONS.end);
  expect(seen.sizes.slice(0, 2)).toEqual([OPTIONS.firstBytes, OPTIONS.rangeBytes]);
  expect(seen.sizes.length).toBeLessThan(OPTIONS.end / OPTIONS.rangeBytes / 2);
});

test('a fetch that waits for room ends when nobody will read on', async () => {
  const { seen, fetch } = source();
  const queue = new RangeQueue({ ...OPTIONS, parallel: 4, fetch });
  for (let i = 0; i < 3; i++) await queue.next();
  await vi.waitFor(() => expect(seen.running).toBeGreaterThan(0));
  queue.stop();
  await vi.waitFor(() => expect(seen.running).toBe(0));
});

test('a reader gets the same bytes in its own memory, as much as it wants at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 200 * KIB }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 4 }),
      async (sizes, parallel) => {
        const { seen, fetch } = source();
        const queue = new RangeQueue({ ...OPTIONS, end: 1024 * KIB + 5, parallel, fetch });
        let at = 0;
        for (let turn = 0; ; turn++) {
          const into = new Uint8Array(sizes[turn % sizes.length]!);
          const count = await queue.readInto(into);
          if (count === 0) break;
          for (let i = 0; i < count; i++) if (into[i] !== byteAt(at + i)) expect.fail(`byte ${at + i}`);
          at += count;
          expect(seen.bytes - at).toBeLessThanOrEqual(parallel * OPTIONS.rangeBytes);
        }
        expect(at).toBe(1024 * KIB + 5);
      },
    ),
    { numRuns: 20, seed: 3 },
  );
});

test('nothing comes for a reader that wants nothing but what is ahead of it', async () => {
  const { seen, fetch } = source();
  const queue = new RangeQueue({ ...OPTIONS, parallel: 1, fetch });
  const into = new Uint8Array(10 * KIB);
  for (let at = 0; at < 30 * KIB; ) at += await queue.readInto(into.subarray(0, 30 * KIB - at));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  // A range that has just begun may have brought a piece before it was known that it is read directly.
  expect(seen.bytes).toBeLessThanOrEqual(30 * KIB + 16 * KIB);
  queue.stop();
});
