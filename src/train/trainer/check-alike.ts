import { createHash } from 'node:crypto';
import { ShardfeedError } from '../../errors.js';
import type { ProcessGroup } from '../collective/process-group.js';

/**
 * That all ranks are about to do the same; every rank calls it.
 * @param facts by what they are called in the error
 * @throws SHARDFEED_COLLECTIVE on all ranks, naming the first fact that differs, and whose
 */
export async function checkAlike(group: ProcessGroup, facts: Readonly<Record<string, unknown>>): Promise<void> {
  const all = await group.allGatherObject(facts);
  for (const [rank, theirs] of all.entries()) {
    for (const [name, value] of Object.entries(all[0]!)) {
      if (JSON.stringify(theirs[name]) === JSON.stringify(value)) continue;
      const what = `rank ${rank} has ${name} ${JSON.stringify(theirs[name])}, rank 0 ${JSON.stringify(value)}`;
      throw new ShardfeedError('SHARDFEED_COLLECTIVE', `${what}: all ranks must be started alike`);
    }
  }
}

/** @throws SHARDFEED_COLLECTIVE on all ranks where their weights are not the same bits */
export async function checkWeights(group: ProcessGroup, weights: Float32Array, step: number): Promise<void> {
  await checkAlike(group, { [`after step ${step} the weights`]: digestOf(weights) });
}

export function digestOf(values: Float32Array): string {
  // A copy: hashes take no memory that threads share.
  return createHash('sha256').update(new Uint8Array(values.slice().buffer)).digest('hex').slice(0, 16);
}
