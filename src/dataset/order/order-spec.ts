import { ShardfeedError } from '../../errors.js';
import { checkOptions, Kinds, type OptionKinds, showValue } from '../known-options.js';

/**
 * `false`: the dataset's own order. `true`, or with sizes: blocks of records are permuted and mixed within windows.
 * `'global'`: a permutation of all records, each of which is then read by itself.
 */
export type Shuffle = boolean | 'global' | WindowSizes;

export interface WindowSizes {
  /** Records that are mixed with each other, over all lanes; what a rank holds of them is its share. Default 65,536, 1,024 a lane at least. */
  readonly window?: number;
  /** Consecutive records of a part that are read at once. Default 256, less for small datasets. */
  readonly block?: number;
}

/** The order of an epoch but for its seed: with the dataset's fingerprint, the seed and the epoch it decides everything. */
export type OrderSpec =
  | { readonly kind: 'sequential'; readonly lanes: 1 }
  | { readonly kind: 'global'; readonly lanes: 1 }
  | { readonly kind: 'windows'; readonly lanes: number; readonly window: number; readonly block: number };

export interface OrderOptions {
  /** Default false. */
  shuffle?: Shuffle;
  /** Only with windows: divides every batch size of the epoch. Default: the largest power of two <= 64 that divides this one. */
  lanes?: number;
}

const WINDOW_SIZES: OptionKinds<WindowSizes> = { window: Kinds.positive, block: Kinds.positive };

const MOST_LANES = 64;
const LANE_WINDOW = 1024;
const BLOCK = 256;
/** Blocks that meet in a lane's window, and in a lane, where the dataset has as many records. */
const BLOCKS_A_WINDOW = 4;
const BLOCKS_A_LANE = 64;

/** Fills in the defaults. @throws SHARDFEED_USAGE */
export function resolveOrder(options: OrderOptions, records: number, globalBatchSize: number): OrderSpec {
  const { shuffle = false } = options;
  if (shuffle === false || shuffle === 'global') {
    if (options.lanes !== undefined && options.lanes !== 1) {
      throw usage(`lanes is ${options.lanes}: lanes belong to a shuffle in windows, { window, block }`);
    }
    return { kind: shuffle === false ? 'sequential' : 'global', lanes: 1 };
  }
  if (shuffle !== true && (typeof shuffle !== 'object' || shuffle === null)) {
    throw usage(`shuffle is ${showValue(shuffle)}: false, true, 'global' or { window, block } is wanted`);
  }
  const sizes = shuffle === true ? {} : shuffle;
  checkOptions('shuffle', sizes, WINDOW_SIZES);
  const lanes = positive('lanes', options.lanes ?? lanesOf(globalBatchSize));
  if (globalBatchSize % lanes !== 0) {
    throw usage(`${lanes} lanes do not divide the global batch of ${globalBatchSize} rows`);
  }
  const step = globalBatchSize / lanes;
  const wanted = positive('shuffle.window', sizes.window ?? LANE_WINDOW * Math.max(lanes, MOST_LANES));
  // Whole steps, so that no step begins in one window and ends in the next.
  const window = Math.ceil(wanted / lanes / step) * step;
  const room = Math.min(BLOCK, Math.floor(window / BLOCKS_A_WINDOW), Math.floor(records / (BLOCKS_A_LANE * lanes)));
  const block = positive('shuffle.block', sizes.block ?? Math.max(1, room));
  return { kind: 'windows', lanes, window: window * lanes, block };
}

function lanesOf(globalBatchSize: number): number {
  let lanes = 1;
  while (lanes < MOST_LANES && globalBatchSize % (2 * lanes) === 0) lanes *= 2;
  return lanes;
}

/** @throws SHARDFEED_USAGE unless the value is a whole number from 1 */
export function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw usage(`${name} is ${showValue(value)}, a whole number from 1 is wanted`);
}

export function usage(what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_USAGE', what);
}
