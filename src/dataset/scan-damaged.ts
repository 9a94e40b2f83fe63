import { ShardfeedError } from '../errors.js';
import { type CallOptions, type Codec, detectFormat, displayPath, HEAD_BYTES } from '../files/index.js';
import { HEADER_BYTES, type Loss } from '../records/index.js';
import { PartDigest } from './part-digest.js';
import type { PartOffsets } from './part-offsets.js';
import { readFileBlocks } from './read-records.js';
import { readWhole } from './read-whole.js';
import type { DatasetPart } from './resolve.js';

export interface DamagedOptions extends CallOptions {
  maxRecordBytes?: number;
}

/** What stands in the digest for a record that is lost: no record has this length. */
const LOST = Uint32Array.of(0xffffffff, 0);

/**
 * Where the records of a damaged part lie that no index knows: all of it is read and verified. A stretch that is lost counts as
 * one record, or as many as its manifest lists more than there are. In a compressed part offsets count what comes out of it.
 * @throws SHARDFEED_STALE where there are more records than the manifest lists
 */
export async function scanDamaged(part: DatasetPart, options: DamagedOptions = {}): Promise<PartOffsets> {
  const { signal, maxRecordBytes } = options;
  const { codec } = detectFormat(await readWhole(part, { signal, end: HEAD_BYTES }), part.path);
  const map = new DamagedMap();
  const onLoss = (loss: Loss): void => map.lose(loss);
  const blocks = readFileBlocks(part, { signal, maxRecordBytes, codec, policy: 'skip', onLoss });
  for await (const { count, offsets, lengths, crcs, firstOffset, bytes } of blocks) {
    for (let i = 0; i < count; i++) map.add(firstOffset + offsets[i]! - HEADER_BYTES);
    map.digest.updateBlock({ count, lengths, crcs });
    map.end = firstOffset + bytes.length;
  }
  const listed = part.listed?.records ?? map.count;
  if (map.count > listed) {
    const path = displayPath(part);
    const what = `${path} has ${map.count} records, whole or lost, the manifest lists ${listed}: make its index (shardfeed index)`;
    throw new ShardfeedError('SHARDFEED_STALE', what, { path });
  }
  const { end } = map;
  if (map.count < listed) map.lose({ offset: end, end, count: listed - map.count });
  return map.offsets(codec);
}

class DamagedMap {
  readonly digest = new PartDigest();
  readonly #lost = new Set<number>();
  readonly #starts: number[] = [];
  /** Where the bytes end that were looked at. */
  end = 0;

  get count(): number {
    return this.#starts.length;
  }

  add(start: number): void {
    this.#starts.push(start);
  }

  lose({ offset, end, count }: Pick<Loss, 'offset' | 'end' | 'count'>): void {
    for (let i = 0; i < count; i++) {
      this.#lost.add(this.count);
      this.#starts.push(i === 0 ? offset : end);
      this.digest.update(LOST);
    }
    this.end = Math.max(this.end, end);
  }

  offsets(compression: Codec): PartOffsets {
    const starts = Float64Array.from(this.#starts.concat(this.end));
    const count = starts.length - 1;
    return {
      count,
      offsetOf(record) {
        if (!(record >= 0 && record <= count)) throw new RangeError(`record ${record} of ${count}`);
        return starts[record]!;
      },
      digest: this.digest.digest(),
      compression,
      memberTable: undefined,
      lost: this.#lost,
    };
  }
}
