import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochShare } from '../../../src/dataset/epoch-share.js';
import { makePlan, type PlanOptions } from '../../../src/dataset/plan/plan.js';

const fingerprint = 'd'.repeat(64);

const factsOf = (counts: readonly number[], bytes = 1000) => ({
  parts: counts.map((records) => ({ records, bytes: records * bytes })),
  fingerprint,
  remote: false,
});

/** What a rank reads by its stages: records that count, parts, runs. */
function enumerate(counts: readonly number[], options: PlanOptions, rank: number) {
  const share = epochShare({ counts, bytes: 1, fingerprint }, { ...options, rank });
  const parts = new Set<number>();
  let records = 0;
  let read = 0;
  for (const stage of share.stages()) {
    for (const { part, count } of stage.runs) {
      parts.add(part);
      read += count;
    }
    records += stage.mask.reduce((n, m) => n + m, 0);
  }
  return { steps: share.steps, records, files: parts.size, read };
}

const cases = fc.record({
  counts: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }),
  perLane: fc.integer({ min: 1, max: 9 }),
  ranks: fc.integer({ min: 1, max: 8 }),
  kind: fc.constantFrom('sequential', 'windows', 'file'),
  shuffled: fc.boolean(),
  tail: fc.constantFrom('pad' as const, 'drop' as const),
});

describe('a plan', () => {
  test('says of each rank what its stages do', () => {
    fc.assert(
      fc.property(cases, ({ counts, perLane, ranks, kind, shuffled, tail }) => {
        const globalBatchSize = 8 * perLane * (kind === 'file' ? ranks : 1);
        const shuffle = kind === 'windows' || (kind === 'file' && shuffled) ? { window: 80, block: 5 } : false;
        const worldSize = Math.min(ranks, globalBatchSize);
        const mode = kind === 'file' ? 'file' : 'auto';
        const options: PlanOptions = { worldSize, globalBatchSize, shuffle, tail, mode };
        const records = counts.reduce((a, b) => a + b, 0);
        let plan: ReturnType<typeof makePlan>;
        try {
          plan = makePlan(factsOf(counts), options);
        } catch (error) {
          expect(() => enumerate(counts, options, 0)).toThrow((error as Error).message);
          return;
        }
        let delivered = 0;
        plan.ranks.forEach((rank) => {
          const real = enumerate(counts, options, rank.rank);
          expect(plan.steps).toBe(real.steps);
          expect(rank.records).toBe(real.records);
          delivered += real.records;
          // Padding comes from the start of the epoch: those reads are not planned.
          if (plan.padded === 0 && kind === 'sequential') expect(rank.files).toBe(real.files);
          if (plan.padded === 0 && plan.dropped === 0) expect(rank.files).toBeGreaterThanOrEqual(real.files);
        });
        expect(plan.padded).toBe(plan.steps * globalBatchSize - delivered);
        expect(plan.dropped + delivered).toBe(records);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the bound on what is read twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 200, max: 900 }), { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 1, max: 8 }),
        (counts, worldSize) => {
          const lanes = 8;
          const options: PlanOptions = {
            worldSize,
            globalBatchSize: 64,
            lanes,
            shuffle: { window: 256, block: 8 },
            tail: 'drop',
          };
          const plan = makePlan(factsOf(counts), options);
          const bound = 1 + worldSize / lanes;
          const delivered = plan.ranks.reduce((n, rank) => n + rank.records, 0);
          const read = plan.ranks.reduce((n, { rank }) => n + enumerate(counts, options, rank).read, 0);
          expect(read / delivered).toBeLessThanOrEqual(bound);
          // Lanes may end a few records behind the last step.
          expect(plan.amplification).toBeLessThanOrEqual(bound);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('has a hash that tells plans apart', () => {
    const hash = (options: PlanOptions, counts = [100, 50]): string => makePlan(factsOf(counts), options).hash;
    const base: PlanOptions = { worldSize: 2, globalBatchSize: 8 };
    expect(hash(base)).toBe(hash({ ...base, mode: 'auto' }));
    const others: PlanOptions[] = [
      { ...base, worldSize: 4 },
      { ...base, globalBatchSize: 16 },
      { ...base, shuffle: true },
      { ...base, tail: 'drop' },
      { ...base, seed: 1 },
      { ...base, epoch: 1 },
      { ...base, mode: 'file' },
    ];
    expect(new Set([base, ...others].map((options) => hash(options))).size).toBe(others.length + 1);
  });

  test('says which mode it is, why, and what to know', () => {
    const facts = factsOf([100, 50]);
    expect(makePlan(facts, { worldSize: 2, globalBatchSize: 8 })).toMatchObject({
      mode: 'record',
      steps: 19,
      padded: 2,
    });
    expect(makePlan(facts, { worldSize: 2, globalBatchSize: 8, mode: 'file' }).why).toMatch(/depends on the 2 workers/);
    expect(() => makePlan(facts, { worldSize: 4, globalBatchSize: 8, mode: 'file' })).toThrow(/2 would have nothing/);
    const closed = { ...facts, parts: facts.parts.map((part) => ({ ...part, splittable: false })) };
    expect(makePlan(closed, { worldSize: 2 }).notes.join()).toMatch(/cannot be entered/);
    expect(
      makePlan(factsOf([1000, 1000], 100), { worldSize: 128, globalBatchSize: 128, shuffle: true }).notes.join(),
    ).toMatch(/share 64 lanes/);
    expect(makePlan(factsOf([1e7], 100), { shuffle: 'global' }).amplification).toBeGreaterThan(10);
    for (const records of [1, 10, 1e4]) {
      expect(makePlan(factsOf([records], 100), { shuffle: 'global' }).amplification).toBeLessThan(2);
    }
  });

  test('of nothing has no steps', () => {
    expect(makePlan(factsOf([0]), { mode: 'file' })).toMatchObject({ steps: 0 });
    expect(enumerate([0], { mode: 'file' }, 0)).toMatchObject({ steps: 0, records: 0 });
    for (const shuffle of [false, true, 'global'] as const) {
      expect(makePlan(factsOf([]), { worldSize: 2, shuffle })).toMatchObject({ steps: 0, padded: 0, amplification: 1 });
      expect(makePlan(factsOf([0, 0]), { worldSize: 2, shuffle }).ranks.length).toBe(2);
    }
  });
});
