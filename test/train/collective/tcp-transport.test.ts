import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Mesh } from '../../../src/train/collective/mesh.js';
import { tcpTransport } from '../../../src/train/collective/tcp/tcp-transport.js';
import { SCRATCH_BYTES, type Span, type Transport } from '../../../src/train/collective/transport.js';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import { closeAll, joinAll } from './mesh-builders.js';

interface Rank {
  readonly mesh: Mesh;
  readonly memory: TrainMemory;
  readonly transport: Transport;
}

const open: Mesh[] = [];
afterEach(() => closeAll(open.splice(0)));

async function ranks(worldSize: number): Promise<Rank[]> {
  const meshes = await joinAll(worldSize);
  open.push(...meshes);
  return meshes.map((mesh) => {
    const memory = new TrainMemory();
    const scratch = memory.alloc(SCRATCH_BYTES);
    return { mesh, memory, transport: tcpTransport({ mesh, memory: memory.wasm, kernel: memory.kernel, scratch }) };
  });
}

function spanOf(array: Float32Array): Span {
  return { address: array.byteOffset, count: array.length, type: 'float32' };
}

function same(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

/** Small whole numbers and halves: sums are exact in any order. */
function valueAt(rank: number, i: number): number {
  return ((i * 31 + rank * 17) % 1024) / 2 - 100;
}

test.each([1, 2, 3, 4])(
  'a ring of %i sums lengths that are no multiple of anything, again and again',
  async (worldSize) => {
    const group = await ranks(worldSize);
    for (const length of [0, 1, worldSize - 1, 65_537, 1_000_003]) {
      const arrays = group.map(({ memory }, rank) =>
        memory.array(Float32Array, length).map((_, i) => valueAt(rank, i)),
      );
      const placed = group.map(({ memory }, rank) => {
        const array = memory.array(Float32Array, length);
        array.set(arrays[rank]!);
        return array;
      });
      const expected = arrays[0]!.map((_, i) => arrays.reduce((sum, array) => sum + array[i]!, 0));
      await Promise.all(group.map(({ transport }, rank) => transport.allReduce(spanOf(placed[rank]!), 'sum', false)));
      for (const array of placed) expect(same(array, expected)).toBe(true);
    }
  },
);

test('a ring that only scatters leaves each rank its own slice', async () => {
  const group = await ranks(3);
  const length = 100_001;
  const placed = group.map(({ memory }, rank) => {
    const array = memory.array(Float32Array, length);
    for (let i = 0; i < length; i++) array[i] = valueAt(rank, i);
    return array;
  });
  await Promise.all(group.map(({ transport }, rank) => transport.allReduce(spanOf(placed[rank]!), 'max', true)));
  for (const [rank, array] of placed.entries()) {
    const [from, to] = [Math.floor((rank * length) / 3), Math.floor(((rank + 1) * length) / 3)];
    const expected = Array.from({ length: to - from }, (_, i) =>
      Math.max(...[0, 1, 2].map((r) => valueAt(r, from + i))),
    );
    expect([...array.subarray(from, to)]).toEqual(expected);
  }
});

test('gathers parts of any lengths, and broadcasts from any root', async () => {
  const group = await ranks(3);
  await fc.assert(
    fc.asyncProperty(fc.tuple(fc.nat(70_000), fc.nat(70_000), fc.nat(70_000)), fc.nat(2), async (lengths, root) => {
      const total = lengths[0] + lengths[1] + lengths[2];
      const starts = [0, lengths[0], lengths[0] + lengths[1]];
      const expected = Float32Array.from(
        lengths.flatMap((length, rank) => Array.from({ length }, (_, i) => valueAt(rank, i))),
      );
      const arrays = group.map(({ memory }, rank) => {
        const array = memory.array(Float32Array, total);
        array.set(expected.subarray(starts[rank]!, starts[rank]! + lengths[rank]!), starts[rank]!);
        return array;
      });
      const parts = arrays.map((array) =>
        lengths.map((length, rank) => spanOf(array.subarray(starts[rank]!, starts[rank]! + length))),
      );
      await Promise.all(group.map(({ transport }, rank) => transport.allGather(parts[rank]!)));
      for (const array of arrays) expect(same(array, expected)).toBe(true);
      for (const [rank, array] of arrays.entries()) if (rank !== root) array.fill(-1);
      await Promise.all(group.map(({ transport }, rank) => transport.broadcast(spanOf(arrays[rank]!), root)));
      for (const array of arrays) expect(same(array, expected)).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test('exchanges are all ranks’ bytes by rank, however far ahead one is', async () => {
  const group = await ranks(3);
  const rounds = 50;
  const bytes = (rank: number, round: number): Buffer =>
    Buffer.alloc((rank * 977 + round * 1231) % 65_600, rank + round);
  await Promise.all(
    group.map(async ({ transport }, rank) => {
      for (let round = 0; round < rounds; round++) {
        const all = await transport.exchange(bytes(rank, round));
        for (const [from, given] of all.entries()) expect(Buffer.compare(given, bytes(from, round))).toBe(0);
      }
    }),
  );
});

test('what is under way rejects when it is closed, and so does all that comes after', async () => {
  const [first] = await ranks(2);
  const array = first!.memory.array(Float32Array, 100_000);
  const reduced = first!.transport.allReduce(spanOf(array), 'sum', false);
  first!.transport.close(new Error('enough'));
  await expect(reduced).rejects.toThrow('enough');
  await expect(first!.transport.exchange(Buffer.alloc(1))).rejects.toThrow('enough');
});
