import { createHash } from 'node:crypto';
import { ShardfeedError } from '../../errors.js';
import type { TrainKernel } from '../kernel/train-memory.js';
import { type Counter, type Key, philox } from './philox.js';

/** What random numbers of a step follow from; never from how many ranks there are. */
export interface RandomKey {
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Which layer: see {@link layerKey}. */
  readonly layer: number;
  /** Below 2^32; then they repeat. */
  readonly step: number;
  /** Row of the step's global batch that is the first here. */
  readonly firstRow: number;
}

/** A number for a name: equal names get equal numbers, and others, all but certainly, others. */
export function layerKey(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32LE(0);
}

/** @throws SHARDFEED_USAGE for what is no whole number from 0 to 2^53 - 1 */
export function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new ShardfeedError('SHARDFEED_USAGE', `a seed is a whole number from 0 to 2^53 - 1, not ${String(seed)}`);
}

/** Fills rows of `columns` values in the kernel's memory with numbers in [0, 1), multiples of 2^-24. */
export function fillUniform(kernel: TrainKernel, target: Float32Array, columns: number, key: RandomKey): void {
  kernel.fillUniform!(...rowsOf(target, columns, key));
}

/** The same, with dropout's factors: 0 at the rate, 0 <= rate < 1, else 1 / (1 - rate). */
export function fillDropout(
  kernel: TrainKernel,
  target: Float32Array,
  columns: number,
  key: RandomKey,
  rate: number,
): void {
  kernel.fillBernoulli!(...rowsOf(target, columns, key), dropoutThreshold(rate), 1 / (1 - rate));
}

/** Words below it are dropped. */
export function dropoutThreshold(rate: number): number {
  return Math.min(0xffffffff, Math.round(rate * 2 ** 32));
}

/** Value j of a row, in [0, 1), as {@link fillUniform} has it. */
export function uniformAt(column: number, { seed, layer, step, firstRow }: RandomKey): number {
  const counter: Counter = [(column >>> 4) * 4 + (column & 3), firstRow, step, Math.floor(seed / 2 ** 32)];
  const key: Key = [seed, layer];
  return (philox(counter, key)[(column >>> 2) & 3]! >>> 8) / 2 ** 24;
}

function rowsOf(
  target: Float32Array,
  columns: number,
  { seed, layer, step, firstRow }: RandomKey,
): [number, number, number, number, number, number, number, number] {
  const rows = columns === 0 ? 0 : target.length / columns;
  return [target.byteOffset, rows, columns, firstRow, step, layer, seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
}
