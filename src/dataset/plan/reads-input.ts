import type { ResolvedEpoch } from '../epoch-share.js';
import type { PlanFacts } from './plan.js';

/** What the reads of an epoch are told from. */
export interface ReadsInput {
  readonly facts: PlanFacts;
  /** Records of each part, and of all. */
  readonly counts: Float64Array;
  readonly records: number;
  readonly epoch: ResolvedEpoch;
}

/** Stored bytes of a part's record, on average. */
export function recordBytes({ facts: { parts }, counts }: ReadsInput, part: number): number {
  return counts[part]! === 0 ? 0 : parts[part]!.bytes / counts[part]!;
}

/** Places of [0, count) whose remainder by `period` lies in [from, to). */
export function periodic(count: number, period: number, from: number, to: number): number {
  const whole = Math.floor(count / period);
  return whole * (to - from) + Math.min(Math.max(count - whole * period - from, 0), to - from);
}
