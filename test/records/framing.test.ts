import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findHeader, walkRecords } from '../../src/records/framing.js';
import { Kernel } from '../../src/records/kernel/kernel.js';
import { frameRecords } from '../../src/records/record-writer.js';
import { concat, header } from './builders.js';

const kernel = new Kernel();
const CAPACITY = 50;
const out = kernel.alloc(CAPACITY * 12);
const state = kernel.alloc(8);
const mark = kernel.mark();

function walkInKernel(bytes: Uint8Array, start: number, capacity: number, maxLength: number, checkPayload: boolean) {
  kernel.release(mark);
  const base = kernel.put(bytes);
  const end = base + bytes.length;
  const check = checkPayload ? 1 : 0;
  const count = kernel.exports.walkRecords!(base + start, end, end, base, out, capacity, maxLength, check, state);
  const ints = (at: number): number[] => [...new Uint32Array(kernel.memory.buffer, at, count)];
  return {
    offsets: ints(out),
    lengths: ints(out + 4 * capacity),
    crcs: checkPayload ? ints(out + 8 * capacity) : [],
    status: kernel.view.getUint32(state, true),
    position: kernel.view.getUint32(state + 4, true) - base,
  };
}

const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 });
const edit = fc.record({ at: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) });

test('kernel and twin walk whole, cut and damaged records alike', () => {
  const file = fc.oneof(
    payloads.map(frameRecords),
    fc.uint8Array({ maxLength: 100 }),
    fc.tuple(payloads, fc.nat(2 ** 31)).map(([list, n]) => concat(frameRecords(list), header(n), frameRecords(list))),
  );
  fc.assert(
    fc.property(
      file,
      fc.array(edit, { maxLength: 2 }),
      fc.nat(1000),
      fc.integer({ min: 1, max: CAPACITY }),
      fc.boolean(),
      (bytes, edits, cut, capacity, checkPayload) => {
        const damaged = bytes.slice(0, Math.max(0, bytes.length - (cut < 500 ? 0 : cut % 70)));
        for (const { at, mask } of edits) if (damaged.length > 0) damaged[at % damaged.length]! ^= mask;
        for (const maxLength of [50, 1 << 28]) {
          expect(walkInKernel(damaged, 0, capacity, maxLength, checkPayload)).toEqual(
            walkRecords(damaged, 0, { capacity, maxLength, checkPayload }),
          );
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('kernel and twin find the same headers', () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.nat(2 ** 30).map(header));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(10), (pieces, start) => {
      const bytes = concat(...pieces);
      if (start > bytes.length) return;
      kernel.release(mark);
      const base = kernel.put(bytes);
      const found = kernel.exports.findHeader!(base + start, base + bytes.length, 1 << 29);
      const twin = findHeader(bytes, start, 1 << 29);
      expect(found === base + bytes.length ? -1 : found - base).toBe(twin);
    }),
    { numRuns: 1000 },
  );
});
