import { isShardfeedError } from '../errors.js';
import { checkUnchanged } from './check-unchanged.js';
import type { PartOffsets } from './part-offsets.js';
import { RecordIndex } from './record-index.js';
import type { DatasetPart } from './resolve.js';
import type { ScanCache } from './scan-cache.js';
import { type DamagedOptions, scanDamaged } from './scan-damaged.js';
import { scanPart } from './scan-part.js';

export interface ForeignOptions extends DamagedOptions {
  /** Where what scans find is kept. Default: nowhere. */
  cache?: ScanCache | undefined;
  /** Damage is an error; else damaged records keep their ordinals. */
  strict: boolean;
}

const DAMAGE = ['SHARDFEED_CORRUPT_RECORD', 'SHARDFEED_TRUNCATED', 'SHARDFEED_CORRUPT_STREAM'] as const;

/**
 * Where the records of a part lie that has no index: found by reading it once, and kept in the cache where it is whole.
 * @throws SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED, SHARDFEED_CORRUPT_STREAM; SHARDFEED_UNSUPPORTED for what is no TFRecord
 * file; SHARDFEED_CHANGED, SHARDFEED_NOT_FOUND where it is not the file that was listed
 */
export async function scanForeign(part: DatasetPart, options: ForeignOptions): Promise<PartOffsets> {
  const { cache, strict, signal } = options;
  try {
    const scan = await scanPart(part, { signal });
    await cache?.publish(part, scan);
    return new RecordIndex(scan);
  } catch (error) {
    // A file that is being written is not damaged.
    await checkUnchanged(part, { signal });
    if (strict || !DAMAGE.some((code) => isShardfeedError(error, code))) throw error;
    return scanDamaged(part, options);
  }
}
