import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import {
  checkSeed,
  fillDropout,
  fillUniform,
  type Initializer,
  initialize,
  layerKey,
} from '../../../src/train/random/index.js';
import { philox } from '../../../src/train/random/philox.js';
import { uniformAt } from '../../../src/train/random/random-rows.js';

const ONES = 0xffffffff;

describe('Philox4x32-10', () => {
  // Random123 1.14, tests/kat_vectors: philox4x32 10.
  const known: [number[], number[], number[]][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ONES, ONES, ONES, ONES],
      [ONES, ONES],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  it.each(known)('of %j under %j is as Random123 says', (counter, key, words) => {
    expect(philox(counter as [number, number, number, number], key as [number, number])).toEqual(words);
    const memory = new TrainMemory();
    const address = memory.alloc(64);
    memory.kernel.philox!(address, 16, ...counter, ...key);
    const made = new Uint32Array(memory.wasm.buffer, address, 16);
    expect([0, 4, 8, 12].map((at) => made[at])).toEqual(words);
  });
});

describe('random rows', () => {
  const memory = new TrainMemory();

  it('hold what the plain generator says, whatever rows are made together', () => {
    const key = fc.record({
      seed: fc.maxSafeNat(),
      layer: fc.nat(ONES),
      step: fc.nat(ONES),
      firstRow: fc.nat(2 ** 31),
    });
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4 }), (key, columns, rows) => {
        const target = memory.array(Float32Array, rows * columns + 1).fill(7);
        fillUniform(memory.kernel, target.subarray(0, rows * columns), columns, key);
        for (let i = 0; i < rows * columns; i++) {
          const firstRow = key.firstRow + Math.floor(i / columns);
          expect(target[i]).toBe(uniformAt(i % columns, { ...key, firstRow }));
        }
        expect(target.at(-1)).toBe(7);
      }),
      { numRuns: 60 },
    );
  });

  it('drop at the rate, scale what stays, and differ by seed, layer, step and row', () => {
    const base = { seed: 2 ** 40 + 5, layer: layerKey('dense'), step: 9, firstRow: 0 };
    const make = (key: typeof base, rate = 0.25): Float32Array => {
      const target = memory.array(Float32Array, 100 * 128);
      fillDropout(memory.kernel, target, 128, key, rate);
      return target;
    };
    const mask = make(base);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const dropped = mask.filter((factor) => factor === 0).length / mask.length;
    expect(Math.abs(dropped - 0.25)).toBeLessThan(0.015);
    expect([...make({ ...base, firstRow: 1 }).subarray(0, 128)]).toEqual([...mask.subarray(128, 256)]);
    for (const other of [{ seed: 5 }, { layer: 1 }, { step: 10 }, { firstRow: 1000 }]) {
      const another = make({ ...base, ...other });
      const same = another.filter((factor, i) => factor === mask[i]).length / mask.length;
      expect(same).toBeLessThan(0.66);
    }
    expect(new Set(make(base, 0))).toEqual(new Set([1]));
  });

  it('need a seed that a double holds', () => {
    expect(checkSeed(2 ** 53 - 1)).toBe(2 ** 53 - 1);
    expect(() => checkSeed(-1)).toThrowError(/a seed is a whole number/);
  });
});

describe('initial weights', () => {
  const made = (initializer: Initializer, shape: number[], name = 'w', seed = 1): Float32Array => {
    const target = new Float32Array(shape.reduce((a, b) => a * b, 1));
    initialize(target, shape, initializer, { seed, name });
    return target;
  };
  const moments = (values: Float32Array): { mean: number; deviation: number } => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { mean, deviation: Math.sqrt(variance) };
  };

  it('are what was asked for', () => {
    expect([...made('zeros', [2])]).toEqual([0, 0]);
    expect([...made('ones', [2])]).toEqual([1, 1]);
    expect([...made({ constant: 3 }, [2])]).toEqual([3, 3]);
  });

  const scaled: [Initializer, number][] = [
    ['glorotUniform', Math.sqrt(2 / 300)],
    ['glorotNormal', Math.sqrt(2 / 300)],
    ['heUniform', Math.sqrt(2 / 100)],
    ['heNormal', Math.sqrt(2 / 100)],
    ['lecunUniform', Math.sqrt(1 / 100)],
    ['lecunNormal', Math.sqrt(1 / 100)],
    [{ uniform: [-3, 3] }, Math.sqrt(3)],
    [{ normal: [0, 2] }, 2],
  ];
  it.each(scaled)('%j has the deviation that its shape asks for', (initializer, expected) => {
    const values = made(initializer, [100, 200]);
    const { mean, deviation } = moments(values);
    expect(Math.abs(mean) / expected).toBeLessThan(0.03);
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.02);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / expected;
    expect(largest).toBeLessThan(
      JSON.stringify(initializer).includes('ormal') ? (typeof initializer === 'string' ? 2.28 : 6) : 1.7321,
    );
  });

  it('follow from seed and name', () => {
    const first = made('glorotUniform', [4, 4]);
    expect([...made('glorotUniform', [4, 4])]).toEqual([...first]);
    expect([...made('glorotUniform', [4, 4], 'v')]).not.toEqual([...first]);
    expect([...made('glorotUniform', [4, 4], 'w', 2)]).not.toEqual([...first]);
  });
});
