import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  epochOrder,
  type OrderSpec,
  resolveOrder,
  type Share,
  type Shuffle,
  type Stage,
} from '../../../src/dataset/order/index.js';

const FINGERPRINT = 'a'.repeat(64);

/** The records of a stage's rows as ordinals, null for padding. Checks what every stage must keep. */
function rowsOfStage(stage: Stage, counts: readonly number[]): (number | null)[] {
  const starts = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
  const records: number[] = [];
  let last = -1;
  for (const { part, first, count } of stage.runs) {
    expect(count).toBeGreaterThan(0);
    expect(first + count).toBeLessThanOrEqual(counts[part]!);
    expect(starts[part]! + first).toBeGreaterThan(last);
    for (let i = 0; i < count; i++) records.push(starts[part]! + first + i);
    last = records.at(-1)!;
  }
  expect(stage.rows.length).toBe(stage.steps * stage.rowsPerStep);
  return [...stage.rows].map((index, row) => {
    expect(index).toBeLessThan(records.length);
    return stage.mask[row] === 1 ? records[index]! : null;
  });
}

/** The global batches of an epoch: those of all ranks, row by row. */
function batches(
  counts: readonly number[],
  spec: OrderSpec,
  share: Omit<Share, 'rank'>,
  seed = 7,
): (number | null)[][] {
  const order = epochOrder({ counts, spec, fingerprint: FINGERPRINT, seed, epoch: 0 });
  const all: (number | null)[][] = [];
  for (let rank = 0; rank < share.worldSize; rank++) {
    let step = 0;
    for (const stage of order.stages({ ...share, rank })) {
      expect(stage.firstStep).toBe(step);
      const rows = rowsOfStage(stage, counts);
      for (let s = 0; s < stage.steps; s++) {
        const mine = rows.slice(s * stage.rowsPerStep, (s + 1) * stage.rowsPerStep);
        if (rank === 0) all.push(mine);
        else all[step + s]!.push(...mine);
      }
      step += stage.steps;
    }
    expect(step).toBe(all.length);
  }
  return all;
}

const share = (worldSize: number, globalBatchSize: number, rest: Partial<Share> = {}): Omit<Share, 'rank'> => ({
  worldSize,
  globalBatchSize,
  tail: 'pad',
  consumed: 0,
  stageRecords: 50,
  ...rest,
});

const real = (rows: (number | null)[][]): number[] => rows.flat().filter((row) => row !== null);

const cases = fc.record({
  counts: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 8 }),
  lanes: fc.constantFrom(1, 2, 4, 8),
  perLane: fc.integer({ min: 1, max: 9 }),
  perLaneLater: fc.integer({ min: 1, max: 9 }),
  worldSize: fc.integer({ min: 1, max: 8 }),
  worldSizeLater: fc.integer({ min: 1, max: 8 }),
  window: fc.integer({ min: 1, max: 100 }),
  block: fc.integer({ min: 1, max: 20 }),
  kind: fc.constantFrom('sequential', 'windows', 'global'),
  seed: fc.integer(),
  kill: fc.nat(40),
});

function settle(c: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const globalBatchSize = c.lanes * c.perLane;
  const later = c.lanes * c.perLaneLater;
  const shuffle: Shuffle =
    c.kind === 'windows' ? { window: c.window, block: c.block } : c.kind === 'global' ? 'global' : false;
  const records = c.counts.reduce((a, b) => a + b, 0);
  const spec = resolveOrder({ shuffle, ...(c.kind === 'windows' ? { lanes: c.lanes } : {}) }, records, globalBatchSize);
  return {
    ...c,
    globalBatchSize,
    later,
    spec,
    records,
    worldSize: Math.min(c.worldSize, globalBatchSize),
    worldSizeLater: Math.min(c.worldSizeLater, later),
  };
}

describe('the order of an epoch', () => {
  test('holds every record once, whatever the number of ranks', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { counts, spec, globalBatchSize, worldSize, records, seed } = settle(c);
        const one = batches(counts, spec, share(1, globalBatchSize), seed);
        expect(real(one).sort((a, b) => a - b)).toEqual(Array.from({ length: records }, (_, i) => i));
        expect(one.length).toBe(Math.ceil(records / globalBatchSize));
        expect(batches(counts, spec, share(worldSize, globalBatchSize), seed)).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test('goes on after any step at another number of ranks and another batch size', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { counts, spec, globalBatchSize, later, worldSizeLater, seed, kill, records } = settle(c);
        const before = batches(counts, spec, share(1, globalBatchSize), seed).slice(0, kill);
        const consumed = before.length * globalBatchSize;
        const after = batches(counts, spec, share(worldSizeLater, later, { consumed }), seed);
        expect(after).toEqual(batches(counts, spec, share(1, later, { consumed }), seed));
        expect([...real(before), ...real(after)].sort((a, b) => a - b)).toEqual(
          Array.from({ length: records }, (_, i) => i),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('is one line of batches: resumed at the same size, the rest of it', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { counts, spec, globalBatchSize, worldSizeLater, seed, kill } = settle(c);
        const whole = batches(counts, spec, share(1, globalBatchSize), seed);
        const at = Math.min(kill, whole.length);
        const ranks = Math.min(worldSizeLater, globalBatchSize);
        const rest = batches(counts, spec, share(ranks, globalBatchSize, { consumed: at * globalBatchSize }), seed);
        expect(rest).toEqual(whole.slice(at));
      }),
      { numRuns: 200 },
    );
  });

  test('drops what fills no batch, and only that', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { counts, spec, globalBatchSize, worldSize, records, seed } = settle(c);
        if (records < globalBatchSize) {
          if (records > 0)
            expect(() => batches(counts, spec, share(1, globalBatchSize, { tail: 'drop' }))).toThrow(/do not fill one/);
          return;
        }
        const kept = batches(counts, spec, share(worldSize, globalBatchSize, { tail: 'drop' }), seed);
        const whole = batches(counts, spec, share(1, globalBatchSize), seed);
        expect(kept).toEqual(whole.slice(0, Math.floor(records / globalBatchSize)));
        expect(kept.flat()).not.toContain(null);
      }),
      { numRuns: 200 },
    );
  });

  test("refuses a rest under tail 'error'", () => {
    const spec = resolveOrder({}, 10, 4);
    expect(() => batches([10], spec, share(1, 4, { tail: 'error' }))).toThrow(/2 are left/);
    expect(batches([8], spec, share(1, 4, { tail: 'error' })).length).toBe(2);
  });

  test('without a shuffle is that of the dataset', () => {
    expect(batches([3, 0, 4], resolveOrder({}, 7, 4), share(2, 4))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, null],
    ]);
  });

  test('differs by seed, epoch and fingerprint', () => {
    const spec = resolveOrder({ shuffle: true }, 1000, 64);
    const input = { counts: [600, 400], spec, fingerprint: FINGERPRINT, seed: 1, epoch: 0 };
    const first = (change: Partial<typeof input>): number[] => {
      const [stage] = epochOrder({ ...input, ...change }).stages({ ...share(1, 64), rank: 0 });
      return rowsOfStage(stage!, input.counts).map(Number);
    };
    const base = first({});
    expect(first({})).toEqual(base);
    for (const change of [{ seed: 2 }, { epoch: 1 }, { fingerprint: 'b'.repeat(64) }, { seed: 1 + 2 ** 32 }]) {
      expect(first(change)).not.toEqual(base);
    }
  });
});
