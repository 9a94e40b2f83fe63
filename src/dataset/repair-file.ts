import { isShardfeedError, ShardfeedError } from '../errors.js';
import {
  type CallOptions,
  type Codec,
  compressWriter,
  detectFormat,
  displayPath,
  HEAD_BYTES,
  type Location,
  openSource,
  resolveUri,
  type WithFiles,
} from '../files/index.js';
import { frameRecords, type Loss, type RecordBlock, readBlocks } from '../records/index.js';
import { PartDigest } from './part-digest.js';
import { readIndex } from './part-index.js';
import { readWhole } from './read-whole.js';
import { indexLocation, type RecordIndex } from './record-index.js';
import { writeWhole } from './write-records.js';

export interface RepairOptions extends WithFiles, CallOptions {
  /** Replace an existing file. Default false. */
  overwrite?: boolean;
  /** How the new file is compressed. Default: as the damaged one; zstd, which is only read, becomes `'none'`. */
  codec?: Exclude<Codec, 'zstd'>;
  /** Records above this are corrupt. Default 256 MiB. */
  maxRecordBytes?: number;
}

export interface RepairReport {
  readonly from: string;
  readonly to: string;
  /** Copied, and how many at least are lost. */
  readonly records: number;
  readonly lost: number;
  /** Of the new stored file. */
  readonly bytes: number;
  /** See `PartDigest`; of the new file. */
  readonly digest: string;
  readonly losses: readonly Loss[];
}

/**
 * Copies all whole records of a damaged file to a new one, which appears complete or not at all. With `overwrite` it may
 * take the damaged one's place. The damaged file's index, where it has one that belongs to it, makes the losses exact.
 * @throws SHARDFEED_NOT_FOUND, SHARDFEED_EXISTS, SHARDFEED_USAGE for a folder
 */
export async function repairFile(from: string, to: string, options: RepairOptions = {}): Promise<RepairReport> {
  const { signal, overwrite = false, maxRecordBytes } = options;
  const source = resolveUri(from, options);
  const target = resolveUri(to, options);
  const { size, type } = await source.fs.stat(source.path, { signal });
  if (type === 'folder') {
    throw new ShardfeedError('SHARDFEED_USAGE', `${from} is a folder: repair its files one by one`, { path: from });
  }
  const { codec: found } = detectFormat(await readWhole(source, { signal, end: HEAD_BYTES }), source.path);
  const codec = options.codec ?? (found === 'zstd' ? 'none' : found);
  const index = await usableIndex(source, size, { signal });
  let losses: Loss[] = [];
  let digest = new PartDigest();
  const bytes = await writeWhole(target, { signal, overwrite }, async (file) => {
    losses = [];
    digest = new PartDigest();
    const writer = compressWriter(file, codec);
    let badHeader = false;
    const stream = openSource(source, {
      signal,
      codec: found,
      damage: 'gap',
      members: index?.memberTable,
    });
    const blocks = readBlocks(stream, {
      signal,
      path: displayPath(source),
      policy: 'skip',
      onLoss: (loss) => {
        losses.push(loss);
        badHeader ||= loss.reason === 'header-checksum';
      },
      index,
      maxRecordBytes,
    });
    for await (const block of blocks) {
      if (block.count === 0) continue;
      digest.updateBlock(block);
      await writer.write(badHeader ? frameRecords(payloadsOf(block)) : block.bytes);
      badHeader = false;
    }
    await writer.close();
    return writer.storedBytes;
  });
  // An index that was made for the file before is stale now, and would be refused.
  if (overwrite) await target.fs.delete(indexLocation(target).path, { signal });
  return {
    from: displayPath(source),
    to: displayPath(target),
    records: digest.records,
    lost: losses.reduce((n, loss) => n + loss.count, 0),
    bytes,
    digest: digest.digest(),
    losses,
  };
}

function* payloadsOf({ bytes, count, offsets, lengths }: RecordBlock): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield bytes.subarray(offsets[i]!, offsets[i]! + lengths[i]!);
}

/** The file's index where it belongs to its bytes; one that does not is left aside. */
async function usableIndex(file: Location, bytes: number, call: CallOptions): Promise<RecordIndex | undefined> {
  try {
    return await readIndex({ ...file, name: '', bytes }, call);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_STALE') || isShardfeedError(error, 'SHARDFEED_MANIFEST')) return undefined;
    throw error;
  }
}
