import { BlockLanes, Streams } from './block-lanes.js';
import { feistelPermutation } from './feistel.js';
import { lineStages } from './line-stages.js';
import type { OrderSpec } from './order-spec.js';
import { Ordinals } from './ordinals.js';
import { epochKey } from './random.js';
import type { Share } from './share.js';
import type { Stage } from './stage.js';
import { windowStages } from './window-stages.js';

/** The order of all records in one epoch. */
export interface EpochOrder {
  /** What a rank reads and delivers, one stage after the other. */
  stages(share: Share): Iterable<Stage>;
}

export interface EpochOrderInput {
  /** Records of each part, in the bytewise order of the parts' names. */
  readonly counts: ArrayLike<number>;
  readonly spec: OrderSpec;
  readonly fingerprint: string;
  readonly seed: number;
  readonly epoch: number;
}

/** The order is a pure function of what is given here: neither ranks nor threads, nor where the bytes lie, enter. */
export function epochOrder({ counts, spec, fingerprint, seed, epoch }: EpochOrderInput): EpochOrder {
  const ordinals = new Ordinals(counts);
  const { records } = ordinals;
  const key = epochKey(fingerprint, seed, epoch);
  const stagesOf = (): ((share: Share) => Iterable<Stage>) => {
    if (spec.kind === 'windows') {
      const order = { ordinals, key, blocks: new BlockLanes(ordinals, spec, key), window: spec.window / spec.lanes };
      return (share) => windowStages(order, share);
    }
    const recordAt = spec.kind === 'global' ? feistelPermutation(key, Streams.GLOBAL, records) : undefined;
    return (share) => lineStages({ ordinals, recordAt }, share);
  };
  let make: ReturnType<typeof stagesOf> | undefined;
  return {
    stages: (share) => {
      if (share.steps === 0) return [];
      make ??= stagesOf();
      return make(share);
    },
  };
}
