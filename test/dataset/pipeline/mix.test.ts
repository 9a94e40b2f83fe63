import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mix } from '../../../src/dataset/pipeline/index.js';
import { nextTurn } from '../../../src/dataset/pipeline/proportions.js';
import type { Batch } from '../../../src/records/index.js';
import { collect } from '../../support/collect.js';
import { failureOf, firsts, Numbered, numbered } from './numbered.js';

const A = () => numbered({ batches: 1000, base: 1e6 });
const B = () => numbered({ batches: 1000, base: 2e6 });
const letters = async (stream: AsyncIterable<Batch>) =>
  (await firsts(stream)).map((id) => ' ab'[Math.floor(id! / 1e6)]).join('');

test('takes turns in proportion to the weights', async () => {
  expect(await letters(mix([A(), B()]).take(8))).toBe('abababab');
  expect(await letters(mix([A(), B()], [3, 1]).take(12))).toBe('aabaaabaaaba');
  expect(await letters(mix([A(), B()], [0.2, 0.8]).take(10))).toBe('bbabbbbabb');
});

test('each has had its share of every beginning to within one batch', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.double({ min: 1e-3, max: 1, noNaN: true })), {
        minLength: 1,
        maxLength: 9,
      }),
      (weights) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const taken = weights.map(() => 0);
        let furthest = 0;
        for (let turns = 1; turns <= 500; turns++) {
          taken[nextTurn(weights, taken)]!++;
          weights.forEach((weight, i) => {
            furthest = Math.max(furthest, Math.abs(taken[i]! - (turns * weight) / total));
          });
        }
        expect(furthest).toBeLessThan(1);
      },
    ),
    { numRuns: 200 },
  );
});

describe('when a stream ends', () => {
  const streams = () => [numbered({ batches: 2, base: 1e6 }), numbered({ batches: 4, base: 2e6 })];

  test('the mix stops', async () => {
    expect(await letters(mix(streams()))).toBe('abab');
  });

  test('or goes on with the others, in their proportions', async () => {
    expect(await letters(mix(streams(), [1, 1], { onEnd: 'continue' }))).toBe('ababbb');
    const three = [numbered({ batches: 1 }), A(), B()];
    const rest = mix(three, [1, 1, 3], { onEnd: 'continue' }).skip(5).take(8);
    expect(await letters(rest)).toMatch(/^(?=.{8}$)(?:b*ab*){2}$/);
  });
});

test('continues anywhere', async () => {
  const stream = mix([numbered({ batches: 3, base: 1e6 }), B(), numbered({ batches: 9 })], [2, 3, 1], {
    onEnd: 'continue',
  }).take(20);
  const batches = await collect(stream);
  for (const [i, { position }] of batches.entries()) {
    expect(await firsts(stream.from(JSON.parse(JSON.stringify(position))))).toEqual(await firsts(stream.skip(i + 1)));
  }
});

test('repeated, every stream goes on to its next epoch', async () => {
  const pair = mix([numbered({ batches: 1 }), numbered({ batches: 1, base: 1e6 })]).repeat(2);
  expect(await firsts(pair)).toEqual([0, 1e6, 1000, 1e6 + 1000]);
});

test('all are released when one fails or the consumer stops', async () => {
  const good = new Numbered();
  const bad = new Numbered({ wait: async () => (bad.made < 2 ? undefined : Promise.reject(new Error('disk'))) });
  expect(await failureOf(mix([good.stream, bad.stream]))).toEqual(new Error('disk'));
  expect([good.open, bad.open]).toEqual([0, 0]);
  const other = new Numbered();
  for await (const { position } of mix([good.stream, other.stream])) if (position.taken[1] === 1) break;
  expect([good.open, other.opened, other.open]).toEqual([0, 1, 0]);
});

test('the signal of any ends it', async () => {
  const controller = new AbortController();
  const aborted = mix([A(), numbered({ signal: controller.signal })]);
  controller.abort();
  expect(await failureOf(aborted)).toMatchObject({ code: 'SHARDFEED_ABORTED' });
});

test.each([[[1]], [[1, 0]], [[1, Number.NaN]], [[1, -1]], [[1, Number.POSITIVE_INFINITY]]])(
  'refuses weights %j',
  (weights) => {
    expect(() => mix([A(), B()], weights)).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
  },
);
