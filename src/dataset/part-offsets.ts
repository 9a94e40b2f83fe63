import type { Codec, MemberTable } from '../files/index.js';
import { FRAME_BYTES, type RecordOffsets } from '../records/index.js';
import { RecordIndex } from './record-index.js';

/** Where a part's records lie, from its index or a scan. */
export interface PartOffsets extends RecordOffsets {
  /** See `PartDigest`. */
  readonly digest: string;
  readonly compression: Codec;
  /** Where a gzip part can be entered; undefined for other parts. */
  readonly memberTable: MemberTable | undefined;
  /** Records that nothing is left of, though each has its ordinal: what lies where they should be is no record. */
  readonly lost?: ReadonlySet<number>;
}

/** How much memory it takes, nearly. */
export function bytesOf(offsets: PartOffsets): number {
  const perRecord = offsets instanceof RecordIndex ? 4 + 1 / FRAME_BYTES : 8;
  return 256 + perRecord * offsets.count + 64 * (offsets.memberTable?.members.length ?? 0);
}
