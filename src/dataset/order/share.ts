import type { NearRanks } from './local-rows.js';
import { type OrderSpec, usage } from './order-spec.js';

/** What to do with the records that fill no global batch: pad it from the epoch's start (mask 0), drop them, or refuse. */
export type Tail = 'pad' | 'drop' | 'error';

/** Whose rows are asked for, and from where on. */
export interface Share {
  readonly rank: number;
  readonly worldSize: number;
  /** Rows of all ranks in a step. */
  readonly globalBatchSize: number;
  /** Records of the epoch's order that were delivered before, over all ranks. */
  readonly consumed: number;
  /** Steps to make; those behind the last record are padding. */
  readonly steps: number;
  /** Where it is known which ranks lie near to a record, they are given it. It has no say in an order without windows. */
  readonly near?: NearRanks | undefined;
  /** About how many records a rank may hold at once where the order leaves it open. */
  readonly stageRecords: number;
}

/** The rows [from, to) of a global batch that are a rank's. */
export function rowsOf(rank: number, worldSize: number, globalBatchSize: number): { from: number; to: number } {
  const cut = (r: number): number => Math.floor((r * globalBatchSize) / worldSize);
  return { from: cut(rank), to: cut(rank + 1) };
}

/**
 * Steps from `consumed` to the end of the epoch, the same for every rank.
 * @throws SHARDFEED_USAGE where the tail may not be dropped, or nothing else is left
 */
export function countSteps(
  { lanes }: Pick<OrderSpec, 'lanes'>,
  records: number,
  share: Pick<Share, 'globalBatchSize' | 'consumed'> & { readonly tail: Tail },
): number {
  const { globalBatchSize, tail, consumed } = share;
  const rows = globalBatchSize / lanes;
  const done = consumed / lanes;
  const left = records - consumed;
  if (tail === 'error' && left > 0 && left % globalBatchSize !== 0) {
    throw usage(
      `${left} records do not fill global batches of ${globalBatchSize} rows: ${left % globalBatchSize} are left; ` +
        "tail: 'pad' or 'drop' says what to do with them",
    );
  }
  if (tail === 'pad') return Math.max(0, Math.ceil((Math.ceil(records / lanes) - done) / rows));
  const steps = Math.max(0, Math.floor((Math.floor(records / lanes) - done) / rows));
  if (steps === 0 && consumed === 0 && records > 0) {
    throw usage(`${records} records do not fill one global batch of ${globalBatchSize} rows, and tail is 'drop'`);
  }
  return steps;
}
