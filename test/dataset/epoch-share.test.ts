import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EpochOptions, epochShare } from '../../src/dataset/epoch-share.js';
import { type Locality, nearRanks } from '../../src/dataset/locality.js';
import type { Stage } from '../../src/dataset/order/index.js';
import type { Position } from '../../src/dataset/position.js';

const fingerprint = 'a'.repeat(64);

/** The records of a stage's rows by their ordinals, null for padding. Checks what every stage must keep. */
function rowsOfStage(stage: Stage, counts: readonly number[]): (number | null)[] {
  const starts = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
  const records: number[] = [];
  let last: { part: number; end: number } | undefined;
  for (const { part, first, count } of stage.runs) {
    if (count <= 0 || first + count > counts[part]!) throw new Error(`run ${first} + ${count} of part ${part}`);
    if (last !== undefined && (part < last.part || (part === last.part && first <= last.end))) {
      throw new Error('runs are not ascending, or touch');
    }
    for (let i = 0; i < count; i++) records.push(starts[part]! + first + i);
    last = { part, end: first + count };
  }
  expect(stage.rows.length).toBe(stage.steps * stage.rowsPerStep);
  expect(Math.max(-1, ...stage.rows)).toBeLessThan(records.length);
  return Array.from(stage.rows, (index, row) => (stage.mask[row] === 1 ? records[index]! : null));
}

interface Epoch {
  /** The global batches: those of all ranks one behind the other. */
  batches: (number | null)[][];
  /** The position behind so many batches, by way of JSON. */
  position: (steps: number) => unknown;
}

function epochOf(counts: readonly number[], options: EpochOptions): Epoch {
  const facts = { counts, bytes: 1e6 * counts.length, fingerprint };
  const batches: (number | null)[][] = [];
  let position: Epoch['position'] | undefined;
  for (let rank = 0; rank < (options.worldSize ?? 1); rank++) {
    const share = epochShare(facts, { ...options, rank });
    let step = 0;
    for (const stage of share.stages()) {
      expect(stage.firstStep).toBe(step);
      expect(stage.rowsPerStep).toBe(share.rowsPerStep);
      const rows = rowsOfStage(stage, counts);
      for (let s = 0; s < stage.steps; s++) {
        const mine = rows.slice(s * stage.rowsPerStep, (s + 1) * stage.rowsPerStep);
        if (rank === 0) batches.push(mine);
        else batches[step + s]!.push(...mine);
      }
      step += stage.steps;
    }
    expect(step).toBe(share.steps);
    expect(batches.length).toBe(share.steps);
    position = (steps) => JSON.parse(JSON.stringify(share.positionAfter(steps, 0)));
  }
  return { batches, position: position! };
}

const real = (batches: (number | null)[][]): number[] => batches.flat().filter((row) => row !== null);
const sorted = (rows: number[]): number[] => rows.sort((a, b) => a - b);
const upTo = (records: number): number[] => Array.from({ length: records }, (_, i) => i);

const cases = fc
  .record({
    counts: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 8 }),
    lanes: fc.constantFrom(1, 2, 4, 8),
    perLane: fc.integer({ min: 1, max: 9 }),
    perLaneLater: fc.integer({ min: 1, max: 9 }),
    ranks: fc.integer({ min: 1, max: 8 }),
    ranksLater: fc.integer({ min: 1, max: 8 }),
    window: fc.integer({ min: 1, max: 100 }),
    block: fc.integer({ min: 1, max: 20 }),
    kind: fc.constantFrom('sequential', 'windows', 'global'),
    seed: fc.integer(),
    epoch: fc.nat(3),
    kill: fc.nat(40),
  })
  .map(({ lanes, perLane, perLaneLater, ranks, ranksLater, window, block, kind, seed, epoch, counts, kill }) => {
    const shuffle = kind === 'windows' ? { window, block } : kind === 'global' ? ('global' as const) : false;
    const globalBatchSize = lanes * perLane;
    const globalBatchSizeLater = lanes * perLaneLater;
    return {
      counts,
      kill,
      records: counts.reduce((a, b) => a + b, 0),
      options: { shuffle, ...(kind === 'windows' ? { lanes } : {}), seed, epoch, globalBatchSize },
      worldSize: Math.min(ranks, globalBatchSize),
      later: { globalBatchSize: globalBatchSizeLater, worldSize: Math.min(ranksLater, globalBatchSizeLater) },
    };
  });

describe('an epoch', () => {
  test('has every record once and the same global batches, whatever the number of ranks', () => {
    fc.assert(
      fc.property(cases, ({ counts, records, options, worldSize }) => {
        const { batches } = epochOf(counts, options);
        expect(sorted(real(batches))).toEqual(upTo(records));
        expect(batches.length).toBe(Math.ceil(records / options.globalBatchSize));
        for (const batch of batches) expect(batch.length).toBe(options.globalBatchSize);
        expect(epochOf(counts, { ...options, worldSize }).batches).toEqual(batches);
      }),
      { numRuns: 300 },
    );
  });

  test('goes on behind any step at another number of ranks and another batch size', () => {
    fc.assert(
      fc.property(cases, ({ counts, records, options, kill, later }) => {
        const whole = epochOf(counts, options);
        const before = whole.batches.slice(0, kill);
        const position = whole.position(before.length);
        const after = epochOf(counts, { position, ...later });
        expect(after.batches).toEqual(epochOf(counts, { position, ...later, worldSize: 1 }).batches);
        expect(sorted([...real(before), ...real(after.batches)])).toEqual(upTo(records));
      }),
      { numRuns: 300 },
    );
  });

  test('goes on at the same batch size with the very batches that were left', () => {
    fc.assert(
      fc.property(cases, ({ counts, options, worldSize, kill }) => {
        const whole = epochOf(counts, options);
        const at = Math.min(kill, whole.batches.length);
        const rest = epochOf(counts, { ...options, worldSize, position: whole.position(at) });
        expect(rest.batches).toEqual(whole.batches.slice(at));
        expect(rest.position(rest.batches.length)).toEqual(whole.position(whole.batches.length));
      }),
      { numRuns: 200 },
    );
  });

  test('drops what fills no batch, and only that', () => {
    fc.assert(
      fc.property(cases, ({ counts, records, options, worldSize }) => {
        const drop = { ...options, worldSize, tail: 'drop' as const };
        if (records > 0 && records < options.globalBatchSize) {
          expect(() => epochOf(counts, drop)).toThrow(/do not fill one/);
          return;
        }
        const kept = epochOf(counts, drop).batches;
        expect(kept).toEqual(epochOf(counts, options).batches.slice(0, Math.floor(records / options.globalBatchSize)));
        expect(kept.flat()).not.toContain(null);
      }),
      { numRuns: 200 },
    );
  });

  test("refuses a rest under tail 'error'", () => {
    expect(() => epochOf([10], { globalBatchSize: 4, tail: 'error' })).toThrow(/2 are left/);
    expect(epochOf([8], { globalBatchSize: 4, tail: 'error' }).batches.length).toBe(2);
  });

  test('without a shuffle has the order of the dataset', () => {
    expect(epochOf([3, 0, 4], { globalBatchSize: 4, worldSize: 2 }).batches).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, null],
    ]);
  });

  test('differs by seed, epoch and fingerprint', () => {
    const facts = { counts: [600, 400], bytes: 1e5, fingerprint };
    const first = (change: EpochOptions, of = facts): number[] => {
      const [stage] = epochShare(of, { shuffle: true, globalBatchSize: 64, seed: 1, ...change }).stages();
      return rowsOfStage(stage!, facts.counts).map(Number);
    };
    const base = first({});
    expect(first({})).toEqual(base);
    for (const change of [{ seed: 2 }, { epoch: 1 }, { seed: 1 + 2 ** 32 }, { seed: -1 }]) {
      expect(first(change)).not.toEqual(base);
    }
    expect(first({}, { ...facts, fingerprint: 'b'.repeat(64) })).not.toEqual(base);
  });
});

describe('whole files', () => {
  test('hold every record once, in equal steps', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 4 }), ({ counts, records, options }, worldSize) => {
        const files = counts.filter((count) => count > 0).length;
        const file = {
          ...options,
          mode: 'file' as const,
          worldSize,
          globalBatchSize: options.globalBatchSize * worldSize,
        };
        if (files === 0) return;
        if (files < worldSize) {
          expect(() => epochOf(counts, file)).toThrow(/would have nothing to do/);
          return;
        }
        const { batches, position } = epochOf(counts, file);
        expect(sorted(real(batches))).toEqual(upTo(records));
        const at = Math.floor(batches.length / 2);
        expect(epochOf(counts, { ...file, position: position(at) }).batches).toEqual(batches.slice(at));
        const other = { ...file, globalBatchSize: file.globalBatchSize * 2, position: position(at) };
        expect(() => epochOf(counts, other)).toThrow(/only go on at the same numbers/);
      }),
      { numRuns: 200 },
    );
  });

  test('go to the rank with the fewest records', () => {
    const { batches } = epochOf([4, 1, 1, 2], { mode: 'file', worldSize: 2, globalBatchSize: 4 });
    expect(batches).toEqual([
      [0, 1, 4, 5],
      [2, 3, 6, 7],
    ]);
  });
});

describe('ranks on the hosts that hold the data', () => {
  /** Each stretch of so many records of each part on one of the hosts. */
  const localityOf = (
    counts: readonly number[],
    hosts: readonly string[],
    random: (i: number) => number,
    size = 64,
  ): Locality => ({
    version: 1,
    hosts,
    places: [...new Set(hosts)].map((host) => [host]),
    parts: counts.map((count, part) => {
      const ends = Array.from({ length: Math.ceil(count / size) }, (_, i) => Math.min(count, size * (i + 1)));
      return { ends, at: ends.map((_, i) => random(part * 31 + i) % new Set(hosts).size) };
    }),
  });

  test('get the same global batches, each record once', () => {
    fc.assert(
      fc.property(
        cases,
        fc.integer({ min: 1, max: 3 }),
        fc.func(fc.nat(100)),
        ({ counts, options, worldSize }, hosts, random) => {
          const names = Array.from({ length: worldSize }, (_, rank) => `host${rank % hosts}`);
          const locality = JSON.parse(JSON.stringify(localityOf(counts, names, random)));
          const near = epochOf(counts, { ...options, worldSize, locality }).batches;
          const plain = epochOf(counts, options).batches;
          const key = (row: number | null): number => row ?? -1;
          const asSet = (batch: (number | null)[]): number[] => sorted(batch.map(key));
          expect(near.map(asSet)).toEqual(plain.map(asSet));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('read at least nine tenths from their own host', () => {
    const counts = [40_000, 60_000];
    const names = ['a', 'b'];
    const locality = localityOf(counts, names, (i) => i, 2000);
    const near = nearRanks(locality, counts);
    for (const [mode, share] of [
      ['record', 0.9],
      ['file', 0.4],
    ] as const) {
      const facts = { counts, bytes: 1e7, fingerprint };
      for (const rank of [0, 1]) {
        const options = { shuffle: true, globalBatchSize: 1024, worldSize: 2, rank, locality, mode };
        let local = 0;
        let all = 0;
        for (const { runs } of epochShare(facts, options).stages()) {
          for (const { part, first, count } of runs) {
            for (let record = first; record < first + count; record++) {
              all++;
              if (near((part === 0 ? 0 : counts[0]!) + record).includes(rank)) local++;
            }
          }
        }
        expect(local / all, `${mode} rank ${rank}`).toBeGreaterThan(share);
      }
    }
  });

  test('refuse what does not fit', () => {
    const locality = localityOf([100, 50], ['a', 'b'], () => 0);
    const ask = (options: EpochOptions) => () =>
      epochOf([100, 50], { worldSize: 2, shuffle: true, locality, ...options });
    expect(ask({})).not.toThrow();
    expect(ask({ worldSize: 3 })).toThrow(/hosts of 2 ranks/);
    expect(ask({ locality: { ...locality, parts: [] } })).toThrow(/for 0 parts/);
    expect(ask({ locality: 'a' })).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
    const file = { mode: 'file', shuffle: false } as const;
    const position = epochOf([100, 50], { worldSize: 2, locality, ...file }).position(0);
    expect(() => epochOf([100, 50], { worldSize: 2, position, ...file })).toThrow(/same locality/);
  });
});

describe('a position', () => {
  const counts = [100, 50];
  const { position } = epochOf(counts, { shuffle: true, globalBatchSize: 16, seed: 3 });
  const resumed =
    (options: EpochOptions, of = position(2)): (() => unknown) =>
    () =>
      epochOf(counts, { globalBatchSize: 16, position: of, ...options });
  const changed = (change: object): Position => ({ ...(position(2) as Position), ...change });

  test('refuses other options than its own', () => {
    expect(resumed({ shuffle: true, seed: 3 })).not.toThrow();
    for (const options of [
      { seed: 4 },
      { epoch: 1 },
      { shuffle: false },
      { shuffle: { block: 9 } },
      { lanes: 2 },
    ] as const) {
      expect(resumed(options), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_POSITION' }),
      );
    }
    expect(resumed({ globalBatchSize: 15 })).toThrow(/16 lanes, which do not divide/);
    expect(resumed({ mode: 'file' })).toThrow(/mode 'record'/);
  });

  test('refuses another dataset, another version, and what is no position', () => {
    const code = expect.objectContaining({ code: 'SHARDFEED_POSITION' });
    expect(resumed({}, changed({ fingerprint: 'c'.repeat(64) }))).toThrow(/belongs to a dataset/);
    expect(resumed({}, changed({ version: 2 }))).toThrow(/update shardfeed/);
    expect(resumed({}, changed({ order: { kind: 'sequential', lanes: 1 } }))).toThrow(/contradicts itself/);
    for (const json of [
      null,
      7,
      'x',
      [],
      {},
      changed({ consumed: -1 }),
      changed({ seed: 0.5 }),
      changed({ more: 1 }),
    ]) {
      expect(resumed({}, json), JSON.stringify(json)).toThrow(code);
    }
  });
});

describe('options', () => {
  test('that make no sense are refused', () => {
    const bad: EpochOptions[] = [
      { rank: 1 },
      { worldSize: 0 },
      { worldSize: 9, globalBatchSize: 8 },
      { globalBatchSize: 0 },
      { globalBatchSize: 1.5 },
      { globalBatchSize: 8, perRankBatchSize: 8 },
      { tail: 'keep' as 'pad' },
      { mode: 'files' as 'file' },
      { shuffle: 'yes' as 'global' },
      { shuffle: { window: 0 } },
      { shuffle: true, lanes: 3 },
      { lanes: 2 },
      { seed: 0.5 },
      { epoch: -1 },
      { mode: 'file', worldSize: 3, globalBatchSize: 8 },
    ];
    for (const options of bad) {
      const facts = { counts: [10, 10, 10], bytes: 1000, fingerprint };
      expect(() => epochShare(facts, options), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_USAGE' }),
      );
    }
  });
});

test('the order does not change from version to version', () => {
  const golden = JSON.parse(readFileSync(new URL('golden-order.json', import.meta.url), 'utf8')) as {
    counts: number[];
    options: EpochOptions;
    first: (number | null)[];
    position: unknown;
  }[];
  expect(golden.length).toBeGreaterThan(4);
  for (const { counts, options, first, position } of golden) {
    const epoch = epochOf(counts, options);
    expect(epoch.batches.flat().slice(0, first.length), JSON.stringify(options)).toEqual(first);
    expect(epoch.position(2)).toEqual(position);
  }
});
