import { checkOptions, Kinds } from '../../dataset/known-options.js';
import { ShardfeedError } from '../../errors.js';
import type { TrainKernel } from '../kernel/train-memory.js';
import type { Schedule } from '../schedules/index.js';

/** A step's length: a constant, or a function of the number of updates before it. */
export type LearningRate = number | Schedule;

/** Something an optimizer remembers of every weight. */
export interface Slot {
  readonly name: string;
  /** What it holds before the first update. */
  readonly initial: number;
}

/** Consecutive weights that are updated alike: addresses in the kernel's memory. */
export interface Span {
  readonly weights: number;
  readonly gradients: number;
  /** One for each of the optimizer's slots, in their order. */
  readonly slots: readonly number[];
  readonly count: number;
}

/** How weights follow from gradients. It holds no state: that lies in its slots. */
export interface Optimizer {
  readonly name: string;
  /** The settings but for the learning rate, as numbers: a checkpoint keeps them. */
  readonly settings: Readonly<Record<string, number>>;
  readonly learningRate: LearningRate;
  readonly slots: readonly Slot[];
  /** @param update updates before this one */
  apply(kernel: TrainKernel, span: Span, learningRate: number, update: number): void;
}

/** The range of a setting: at least, and below or at most. */
interface Range {
  readonly default: number;
  readonly min: number;
  readonly max?: number;
}

/**
 * Fills in the defaults of an optimizer's settings.
 * @throws SHARDFEED_USAGE for a name that is none of theirs, and for a number out of its range
 */
export function settingsOf<K extends string>(
  name: string,
  options: object,
  ranges: Readonly<Record<K, Range>>,
  flags: readonly string[] = [],
): Record<K, number> {
  const known = [...Object.keys(ranges), 'learningRate'].map((key) => [key, true] as const);
  const flagged = flags.map((key) => [key, Kinds.flag] as const);
  checkOptions(`${name}()`, options, Object.fromEntries([...known, ...flagged]));
  const given = options as Partial<Record<K | 'learningRate', unknown>>;
  const { learningRate } = given;
  if (typeof learningRate !== 'function' && learningRate !== undefined)
    checkNumber(name, 'learningRate', learningRate, 0);
  const entries = (Object.entries(ranges) as [K, Range][]).map(([key, range]) => {
    const value: unknown = given[key] ?? range.default;
    return [key, checkNumber(name, key, value, range.min, range.max)] as const;
  });
  return Object.fromEntries(entries) as Record<K, number>;
}

function checkNumber(name: string, key: string, value: unknown, min: number, max = Number.MAX_VALUE): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  const range = max === Number.MAX_VALUE ? `at least ${min}` : `from ${min} to ${max}`;
  throw new ShardfeedError('SHARDFEED_USAGE', `${key} of ${name}() is a number ${range}, not ${String(value)}`);
}
