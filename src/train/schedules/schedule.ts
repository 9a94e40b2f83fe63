import { ShardfeedError } from '../../errors.js';
import type { EpochLog } from '../history.js';

/** What a learning rate may follow from besides the number of updates; the same on all ranks. */
export interface ScheduleContext {
  readonly worldSize: number;
  /** Of the epochs that have ended. */
  readonly history: readonly EpochLog[];
}

/**
 * The learning rate of an update. @param update updates before this one: 0 for the first
 *
 * It is called on every rank and again after a resume, so it must follow from its arguments alone.
 */
export type Schedule = (update: number, context: ScheduleContext) => number;

/** @throws SHARDFEED_RANGE for what is no finite number of at least 0 */
export function rateAt(rate: number | Schedule, update: number, context: ScheduleContext): number {
  if (typeof rate === 'number') return rate;
  const value = rate(update, context);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new ShardfeedError('SHARDFEED_RANGE', `the schedule gave ${value} as learning rate of update ${update}`);
}
