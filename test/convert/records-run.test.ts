import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framedBytes, groupByTarget, metaOf, reorder } from '../../src/convert/job/records-run.js';
import { framed, numbered, unframed } from './framed.js';

const payloads = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 40 });

test('lengths and CRCs are read back from the framing', () => {
  fc.assert(
    fc.property(payloads, (list) => {
      const { bytes, meta } = framed(list);
      expect(metaOf(bytes)).toEqual(meta);
      expect(framedBytes(meta, 0, list.length)).toBe(bytes.length);
    }),
  );
});

test('grouping keeps every record, and the order within a target', () => {
  fc.assert(
    fc.property(payloads, fc.integer({ min: 1, max: 9 }), fc.nat(), (list, count, salt) => {
      const { bytes, meta } = framed(list);
      const targets = Uint32Array.from(list, (_, i) => ((i * 7 + salt) >>> 1) % count);
      const runs = groupByTarget(bytes, meta, targets, count);
      for (let t = 0; t < count; t++) {
        const run = runs.find((r) => r.target === t);
        const expected = framed(list.filter((_, i) => targets[i] === t));
        expect(Buffer.from(run?.bytes ?? []).equals(expected.bytes)).toBe(true);
        expect([...(run?.meta ?? [])]).toEqual([...expected.meta]);
      }
    }),
  );
});

test('reordering puts record order[i] at place i', () => {
  const list = numbered(9, 90);
  const { bytes, meta } = framed(list);
  const order = Uint32Array.of(8, 0, 3, 1, 7, 2, 6, 4, 5);
  const result = reorder(bytes, meta, order);
  expect(unframed(result.bytes)).toEqual([...order].map((i) => list[i]));
  expect(result.meta).toEqual(metaOf(result.bytes));
});
