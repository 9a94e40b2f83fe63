import type { ProcessGroup, ReduceOp } from '../../../src/train/collective/process-group.js';
import { TrainMemory } from '../../../src/train/kernel/train-memory.js';
import type { NumericArray } from '../../../src/train/numeric-array.js';

/**
 * The ranks of a job within this thread: real memories, exact left folds in rank order, no transport. For what is tested about models and
 * trainers; the groups themselves have tests of their own. `allReduceSync` is there for one rank only.
 */
export function groupsHere(worldSize: number): ProcessGroup[] {
  let waiting: { value: unknown; resolve(values: unknown[]): void }[] = [];
  const slots: (unknown | undefined)[] = new Array(worldSize);
  /** Everybody's value, by rank, once all have come. */
  const exchange = (rank: number, value: unknown): Promise<unknown[]> =>
    new Promise((resolve) => {
      slots[rank] = value;
      waiting.push({ value, resolve });
      if (waiting.length < worldSize) return;
      const all = [...slots];
      const told = waiting;
      waiting = [];
      for (const one of told) one.resolve(all);
    });
  return Array.from({ length: worldSize }, (_, rank) => groupHere(rank, worldSize, exchange));
}

function groupHere(rank: number, worldSize: number, exchange: (rank: number, value: unknown) => Promise<unknown[]>) {
  const memory = new TrainMemory();
  async function allReduce<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): Promise<A> {
    const all = (await exchange(rank, array.slice())) as A[];
    array.set(all[0]!);
    for (const other of all.slice(1)) {
      for (let i = 0; i < array.length; i++) array[i] = fold(op, array[i]!, other[i]!);
    }
    if (op === 'mean') for (let i = 0; i < array.length; i++) array[i]! /= worldSize;
    return array;
  }
  const group = {
    rank,
    worldSize,
    implementation: 'local',
    memory,
    stopRequested: false,
    jobId: 'here',
    attempt: 0,
    signal: new AbortController().signal,
    allReduce,
    allReduceSync<A extends NumericArray>(array: A): A {
      if (worldSize > 1) throw new Error('ranks of one thread cannot wait for each other');
      return array;
    },
    async reduceScatter<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): Promise<A> {
      await allReduce(array, op);
      const cut = (r: number) => Math.floor((r * array.length) / worldSize);
      return array.subarray(cut(rank), cut(rank + 1)) as A;
    },
    async allGather<A extends NumericArray>(array: A): Promise<A> {
      const all = ((await exchange(rank, array.slice())) as A[]).flatMap((part) => [...part]);
      return (array.constructor as unknown as { from(values: number[]): A }).from(all);
    },
    async broadcast<A extends NumericArray>(array: A, root = 0): Promise<A> {
      array.set(((await exchange(rank, array.slice())) as A[])[root]!);
      return array;
    },
    async broadcastObject<T>(value: T | undefined, root = 0): Promise<T> {
      return (await exchange(rank, structuredClone(value)))[root] as T;
    },
    async allGatherObject<T>(value: T): Promise<T[]> {
      return (await exchange(rank, structuredClone(value))) as T[];
    },
    async barrier() {
      await exchange(rank, undefined);
    },
    enter() {},
    report() {},
    async fail() {},
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
  return group as ProcessGroup;
}

function fold(op: ReduceOp, a: number, b: number): number {
  return op === 'max' ? Math.max(a, b) : op === 'min' ? Math.min(a, b) : Math.fround(a + b);
}
