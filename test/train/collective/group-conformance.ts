import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProcessGroup, ReduceOp } from '../../../dist/train/index.js';
import type { NumericArray } from '../../../src/train/numeric-array.js';
import { randomOf } from '../../random.mjs';

/** How the groups under test are had: M of them, joined, all in this thread. */
export interface GroupTarget {
  open(worldSize: number): Promise<ProcessGroup[]>;
  readonly worldSizes: readonly number[];
  /** Whether sums of more than 64 KiB are left folds by rank too. */
  readonly canonical: boolean;
}

const SPECIAL = [NaN, Infinity, -Infinity, -0, 0, 1e-45, -1e-45, 5e-324, 1e-310, 3e38, -3e38, 1e308, 1 / 3];
const OPS: readonly ReduceOp[] = ['sum', 'mean', 'max', 'min'];
const TYPES = { float32: Float32Array, float64: Float64Array, int32: Int32Array };
type TypeName = keyof typeof TYPES;

/** Everything that ProcessGroup promises, for one implementation. */
export function groupConformance({ open, worldSizes, canonical }: GroupTarget): void {
  describe.each(worldSizes)('%d ranks', (worldSize) => {
    let ranks: Ranks;
    beforeAll(async () => {
      ranks = await opened(open, worldSize);
    });
    afterAll(() => ranks[Symbol.asyncDispose]());

    test('reductions are left folds, the same bits on all', async () => {
      const random = randomOf(worldSize);
      for (const length of new Set([0, 1, worldSize - 1, worldSize, 1000])) {
        for (const type of Object.keys(TYPES) as TypeName[]) {
          for (const op of OPS) {
            const inputs = ranks.groups.map(() => values(type, length, random));
            const places = ranks.groups.map((group) => place(group, inputs[group.rank]!, random));
            await ranks.all((group) => group.allReduce(places[group.rank]!, op));
            for (const array of places) expectSame(array, oracle(inputs, op));
          }
        }
      }
    });

    test('long arrays', async () => {
      const random = randomOf(worldSize);
      for (const [type, op] of [
        ['float32', 'sum'],
        ['float64', 'max'],
        ['int32', 'mean'],
      ] as const) {
        const inputs = ranks.groups.map(() => values(type, 2 ** 20 + 1, random, canonical));
        const places = ranks.groups.map((group) => place(group, inputs[group.rank]!, random));
        await ranks.all((group) => group.allReduce(places[group.rank]!, op));
        const expected = oracle(inputs, op);
        for (const array of places) expectSame(array, expected);
      }
    });

    test('slices, gathering and telling', async () => {
      const random = randomOf(worldSize);
      for (const length of [0, 1, 13, 40_000]) {
        const inputs = ranks.groups.map(() => values('float64', length, random, false));
        const slices = await ranks.all((group) =>
          group.reduceScatter(place(group, inputs[group.rank]!, random), 'sum'),
        );
        const cut = (r: number) => Math.floor((r * length) / worldSize);
        const folded = oracle(inputs, 'sum');
        for (const [r, slice] of slices.entries()) expectSame(slice, folded.slice(cut(r), cut(r + 1)));

        const uneven = inputs.map((input, r) => input.subarray(0, Math.ceil((length * r) / worldSize)));
        const gathered = await ranks.all((group) => group.allGather(place(group, uneven[group.rank]!, random)));
        for (const array of gathered) expectSame(array, new Float64Array(uneven.flatMap((part) => [...part])));

        const root = worldSize - 1;
        const places = inputs.map((input, r) => place(ranks.groups[r]!, input, random));
        await ranks.all((group) => group.broadcast(places[group.rank]!, root));
        for (const array of places) expectSame(array, inputs[root]!);

        const object = (rank: number) => ({ rank, text: 'ä'.repeat(rank === root ? length : 3) });
        for (const all of await ranks.all((group) => group.allGatherObject(object(group.rank)))) {
          expect(all).toEqual(ranks.groups.map(({ rank }) => object(rank)));
        }
        const told = await ranks.all((g) => g.broadcastObject(g.rank === root ? object(root) : undefined, root));
        for (const value of told) expect(value).toEqual(object(root));
      }
    });

    test('nobody passes a barrier before all have come', async () => {
      const last = ranks.groups.at(-1)!;
      let passed = 0;
      const early = ranks.groups.slice(0, -1).map((group) => group.barrier().then(() => passed++));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(passed).toBe(0);
      await last.barrier();
      await Promise.all(early);
    });

    test('random operations, many at once, are done in the order of the calls', async () => {
      await randomOperations(ranks, worldSize, 200);
    });
  });

  const many = Math.min(3, Math.max(...worldSizes));

  test('the memory may grow between operations', async () => {
    await using ranks = await opened(open, many);
    for (const megabytes of [1, 20]) {
      const arrays = ranks.groups.map(({ memory, rank }) => memory.array(Float32Array, megabytes << 18).fill(rank + 1));
      await ranks.all((group) => group.allReduce(arrays[group.rank]!));
      const sum = (many * (many + 1)) / 2;
      for (const array of arrays) expect(array.every((value) => value === sum)).toBe(true);
    }
  });

  test('wrong arguments are refused, and the group works on', async () => {
    await using ranks = await opened(open, many);
    const wrong = { code: 'SHARDFEED_USAGE' };
    const [group] = ranks.groups;
    await expect(group!.allReduce(new Float32Array(1), 'product' as ReduceOp)).rejects.toMatchObject(wrong);
    await expect(group!.allReduce(new Uint8Array(4) as unknown as Int32Array)).rejects.toMatchObject(wrong);
    await expect(group!.broadcast(new Float32Array(1), many)).rejects.toMatchObject(wrong);
    await expect(group!.broadcastObject(1, -1)).rejects.toMatchObject(wrong);
    await ranks.all((each) => each.barrier());
  });

  test('after closing operations are refused; closing twice is fine', async () => {
    const ranks = await opened(open, many);
    await ranks.all((group) => group.close());
    for (const group of ranks.groups) {
      await expect(group.barrier()).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
      expect(() => group.allReduceSync(new Float32Array(1))).toThrow(
        expect.objectContaining({ code: 'SHARDFEED_ABORTED' }),
      );
      await group.close();
    }
  });

  if (many === 1) return;

  const four = () => new Float32Array(4);
  const mismatches: [
    string,
    (group: ProcessGroup) => Promise<unknown>,
    (group: ProcessGroup) => Promise<unknown>,
    RegExp,
  ][] = [
    [
      'operation',
      (g) => g.allReduce(four()),
      (g) => g.barrier(),
      /allReduce \(sum\) of 4 float32 at step 0.*barrier at step 0/,
    ],
    ['reduction', (g) => g.allReduce(four()), (g) => g.allReduce(four(), 'max'), /\(sum\).*\(max\)/],
    ['size', (g) => g.allReduce(four()), (g) => g.allReduce(new Float32Array(1e6)), /of 4 float32.*of 1000000 float32/],
    ['type', (g) => g.allReduce(four()), (g) => g.allReduce(new Int32Array(4)), /of 4 float32.*of 4 int32/],
    ['root', (g) => g.broadcast(four(), 0), (g) => g.broadcast(four(), 1), /from rank 0.*from rank 1/],
    ['step', (g) => g.barrier(), (g) => atStep(7, g), /at step 0.*at step 7/],
    ['gathering', (g) => g.allGather(four()), (g) => g.allGatherObject(1), /allGather of float32.*allGatherObject/],
  ];
  test.each(mismatches)(
    'another %s is an error on all ranks, which tells who did what',
    async (_, common, other, tells) => {
      await using ranks = await opened(open, many);
      const outcomes = await ranks.settled((group) => (group.rank === 1 ? other(group) : common(group)));
      for (const { error } of outcomes) {
        expect(error?.name).toBe('ShardfeedError');
        expect(error).toMatchObject({ code: 'SHARDFEED_COLLECTIVE', message: expect.stringMatching(tells) });
        expect(error!.message).toMatch(/rank 1: /);
      }
      expect(new Set(outcomes.map(({ error }) => error!.message)).size).toBe(1);
      await expect(ranks.groups[0]!.barrier()).rejects.toMatchObject({ code: 'SHARDFEED_COLLECTIVE' });
    },
  );

  test('a rank that closes while the others work ends them, by name', async () => {
    await using ranks = await opened(open, many);
    const [leaver, ...others] = ranks.groups.toReversed();
    const working = Promise.allSettled(others.map((group) => group.allReduce(new Float32Array(1e6))));
    await leaver!.close();
    for (const outcome of await working) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: /SHARDFEED_(COLLECTIVE|RANK_FAILED)/ } });
      const { message } = (outcome as PromiseRejectedResult).reason as Error;
      expect(message).toContain(`rank ${leaver!.rank}`);
    }
  });

  test('a rank that closes with its own operations under way rejects them, and ends the others', async () => {
    await using ranks = await opened(open, many);
    const outcomes = ranks.settled((group) =>
      group.rank === 1
        ? Promise.all([group.allReduce(new Float32Array(1e6)), group.barrier(), group.close()])
        : Promise.all([group.allReduce(new Float32Array(1e6)), group.barrier(), group.barrier()]),
    );
    for (const [rank, { error }] of (await outcomes).entries()) {
      const code = rank === 1 ? /ABORTED/ : /SHARDFEED_(COLLECTIVE|RANK_FAILED)/;
      expect((error as Error & { code: string }).code).toMatch(code);
    }
  });

  test.each([
    ['stays', false],
    ['leaves at once', true],
  ])('the error of a rank that %s reaches all, with its name, step and stack', async (_, leaves) => {
    await using ranks = await opened(open, many);
    for (const group of ranks.groups) group.enter('step', 5);
    const working = ranks.settled(async (group) => {
      if (group.rank !== 1) return group.allReduce(new Float32Array(9));
      await group.fail(new Error('no such column'));
      if (leaves) await group.close();
    });
    for (const [rank, { error }] of (await working).entries()) {
      if (rank === 1) continue;
      expect(error).toMatchObject({ code: 'SHARDFEED_RANK_FAILED', cause: { rank: 1, step: 5, phase: 'step' } });
      expect(error!.message).toMatch(/rank 1 .*no such column[\s\S]*group-conformance/);
    }
  });
}

/** Random operations of random sizes, posted without waiting, a few at a time; each must give what it should. */
export async function randomOperations(ranks: Ranks, seed: number, count: number): Promise<void> {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  let pending: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const type = pick(Object.keys(TYPES) as TypeName[]);
    const length = pick([0, 1, 5, 1000, 16_384, 16_385, 60_000]);
    // Small whole numbers, so that no order of adding matters.
    const inputs = ranks.groups.map(() => values(type, length, random, false));
    const places = ranks.groups.map((group) => place(group, inputs[group.rank]!, random));
    const root = Math.floor(random() * ranks.groups.length);
    const op = pick(OPS);
    const kind = pick(['allReduce', 'allReduce', 'broadcast', 'allGather', 'object', 'barrier']);
    const each = ranks.groups.map(async (group, rank) => {
      if (kind === 'allReduce') expectSame(await group.allReduce(places[rank]!, op), oracle(inputs, op));
      else if (kind === 'broadcast') expectSame(await group.broadcast(places[rank]!, root), inputs[root]!);
      else if (kind === 'allGather') expect((await group.allGather(places[rank]!)).length).toBe(length * inputs.length);
      else if (kind === 'object') expect(await group.broadcastObject(rank === root ? i : -1, root)).toBe(i);
      else await group.barrier();
    });
    pending.push(...each);
    if (random() < 0.2) {
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
}

export interface Ranks extends AsyncDisposable {
  readonly groups: readonly ProcessGroup[];
  all<T>(run: (group: ProcessGroup) => Promise<T>): Promise<T[]>;
  settled(run: (group: ProcessGroup) => Promise<unknown>): Promise<{ error: Error | undefined }[]>;
}

export async function opened(open: GroupTarget['open'], worldSize: number): Promise<Ranks> {
  const groups = await open(worldSize);
  return {
    groups,
    all: (run) => Promise.all(groups.map(run)),
    settled: async (run) =>
      (await Promise.allSettled(groups.map(run))).map((outcome) => ({
        error: outcome.status === 'rejected' ? (outcome.reason as Error) : undefined,
      })),
    async [Symbol.asyncDispose]() {
      await Promise.all(groups.map((group) => group.close()));
    },
  };
}

function atStep(step: number, group: ProcessGroup): Promise<void> {
  group.enter('step', step);
  return group.barrier();
}

/** With special values among them; or small whole numbers. */
function values(type: TypeName, length: number, random: () => number, special = true): NumericArray {
  const array = new TYPES[type](length);
  for (let i = 0; i < length; i++) {
    if (!special) array[i] = Math.floor(random() * 2000) - 1000;
    else if (random() < 0.1) array[i] = SPECIAL[Math.floor(random() * SPECIAL.length)]!;
    else array[i] = (random() - 0.5) * 2 ** (random() * 40);
  }
  return array;
}

/** A copy: in the group's memory, at a multiple of the type's size and no other, or outside of it. */
function place(group: ProcessGroup, input: NumericArray, random: () => number): NumericArray {
  if (random() < 0.3) return input.slice();
  const type = input.constructor as typeof Float32Array;
  const shift = Math.floor(random() * 4);
  const array = group.memory.array(type, input.length + shift).subarray(shift);
  array.set(input);
  return array;
}

/** ((x0 op x1) op x2) op ..., as the type computes. */
function oracle(inputs: readonly NumericArray[], op: ReduceOp): NumericArray {
  const folded = inputs[0]!.slice();
  for (const input of inputs.slice(1)) {
    for (let i = 0; i < folded.length; i++) {
      const a = folded[i]!;
      const b = input[i]!;
      folded[i] = op === 'max' ? Math.max(a, b) : op === 'min' ? Math.min(a, b) : a + b;
    }
  }
  if (op === 'mean') for (let i = 0; i < folded.length; i++) folded[i] = folded[i]! / inputs.length;
  return folded;
}

/** The same bits, but for those of NaN. */
function expectSame(array: NumericArray, expected: NumericArray): void {
  expect(array.constructor).toBe(expected.constructor);
  expect(array.length).toBe(expected.length);
  const other = array.findIndex((value, i) => !Object.is(value, expected[i]));
  expect(other < 0 ? 'the same' : `element ${other} is ${array[other]}, not ${expected[other]}`).toBe('the same');
}
