import { expect, test, vi } from 'vitest';
import { RangeQueue, type Sink } from '../../src/hdfs/range-queue.js';

const KIB = 1 << 10;
const OPTIONS = { start: 0, end: 4096 * KIB, firstBytes: 16 * KIB, rangeBytes: 64 * KIB, mostRangeBytes: 512 * KIB };

/** Hands over a range in chunks of 16 KiB, as fast as they are wanted; counts them. */
function source() {
  const seen = { bytes: 0, running: 0, sizes: [] as number[] };
  const fetch = async (start: number, end: number, sink: Sink): Promise<void> => {
    seen.sizes.push(end - start);
    seen.running++;
    for (let at = start; at < end; at += 16 * KIB) {
      const chunk = new Uint8Array(Math.min(16 * KIB, end - at)).fill((at / (16 * KIB)) & 255);
      seen.bytes += chunk.length;
      await sink(chunk);
    }
    seen.running--;
  };
  return { seen, fetch };
}

async function drain(queue: RangeQueue): Promise<number> {
  let at = 0;
  for (let chunk = await queue.next(); chunk !== undefined; chunk = await queue.next()) {
    expect(chunk[0]).toBe((at / (16 * KIB)) & 255);
    at += chunk.length;
  }
  return at;
}

test('what is ahead of a slow reader is bounded, however large the ranges are', async () => {
  const { seen, fetch } = source();
  const queue = new RangeQueue({ ...OPTIONS, parallel: 4, fetch });
  let taken = 0;
  for (let i = 0; i < 200; i++) {
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
