import { ShardfeedError } from '../errors.js';
import {
  type CallOptions,
  type Codec,
  compareBytes,
  displayPath,
  joinPath,
  type Location,
  openSource,
  type WithFiles,
} from '../files/index.js';
import {
  type ByteSource,
  type CorruptionPolicy,
  LossLedger,
  type ReadBlocksOptions,
  ReaderMemory,
  type RecordBlock,
  readBlocks,
} from '../records/index.js';
import { openDirect } from './direct-file.js';
import type { Manifest } from './manifest.js';
import { indexForReading } from './part-index.js';
import { type DatasetPart, resolveDataset } from './resolve.js';

export interface ReadRecordsOptions
  extends WithFiles,
    Pick<ReadBlocksOptions, 'maxRecordBytes' | 'checkCrc' | 'onLoss' | 'signal'> {
  /** What to do about corrupt records, default `'error'`. A budget counts over all files. */
  policy?: CorruptionPolicy;
  /** How the files are compressed, default `'auto'`: told by their first bytes, then by their names. */
  codec?: Codec | 'auto';
}

/**
 * The payloads of TFRecord files (URIs, paths, glob patterns or folders; files in the order of the arguments, bytewise
 * within one), or of a stream of their uncompressed bytes. Each payload belongs to the caller.
 * @throws SHARDFEED_NOT_FOUND, and what `readBlocks` throws
 */
export async function* readRecords(
  source: string | readonly string[] | ByteSource | AsyncIterable<Uint8Array>,
  options: ReadRecordsOptions = {},
): AsyncGenerator<Uint8Array> {
  for await (const { bytes, count, offsets, lengths } of blocksOf(source, options)) {
    const own = bytes.slice();
    for (let i = 0; i < count; i++) yield own.subarray(offsets[i]!, offsets[i]! + lengths[i]!);
  }
}

async function* blocksOf(
  source: string | readonly string[] | ByteSource | AsyncIterable<Uint8Array>,
  options: ReadRecordsOptions,
): AsyncGenerator<RecordBlock> {
  if (typeof source === 'object' && Symbol.asyncIterator in source) {
    const { files: _, codec: __, ...rest } = options;
    yield* readBlocks(source, rest);
    return;
  }
  const policy = new LossLedger(options.policy ?? 'error', options.onLoss);
  const { parts } = await resolveForReading(source, policy, options);
  const memory = new ReaderMemory();
  for (const part of parts) yield* readPartBlocks(part, { ...options, policy, memory });
}

/** A part to read, or one that its manifest lists and that is not there. */
export type PartToRead = DatasetPart & { readonly absent?: boolean };

/**
 * The parts to read, in order. A dataset that differs from its manifest is an error, unless losses are passed over: then
 * what is not there comes as absent.
 * @throws SHARDFEED_NOT_FOUND, SHARDFEED_STALE, SHARDFEED_MANIFEST
 */
export async function resolveForReading(
  source: string | readonly string[],
  ledger: LossLedger,
  options: WithFiles & CallOptions,
): Promise<{ parts: readonly PartToRead[]; manifest: Manifest | undefined }> {
  const { parts, absent, folder, manifest } = await resolveDataset(source, { ...options, lenient: !ledger.strict });
  if (absent.length === 0) return { parts, manifest };
  const holes = absent.map((listed) => ({
    fs: folder!.fs,
    path: joinPath(folder!.path, listed.path),
    name: listed.path,
    bytes: 0,
    listed,
    absent: true,
  }));
  return { parts: [...parts, ...holes].sort((a, b) => compareBytes(a.name, b.name)), manifest };
}

/**
 * {@link readFileBlocks} of a part that may not have fewer records than its manifest lists, if there is one. Where it has, a
 * last empty block says with `firstRecord` how many there should be.
 */
export async function* readPartBlocks(
  part: PartToRead,
  options: Omit<ReadFileOptions, 'policy'> & { policy: LossLedger },
): AsyncGenerator<RecordBlock> {
  const { policy } = options;
  let record = 0;
  let offset = 0;
  if (part.absent !== true) {
    for await (const block of readFileBlocks(part, options)) {
      record = block.firstRecord + block.count;
      offset = block.firstOffset + block.bytes.length;
      yield block;
    }
  }
  const count = (part.listed?.records ?? 0) - record;
  if (count <= 0) return;
  const path = displayPath(part);
  if (policy.strict) {
    const what = `${path} ends after ${record} records, the manifest lists ${part.listed!.records}`;
    throw new ShardfeedError('SHARDFEED_TRUNCATED', what, { path, offset, record });
  }
  policy.report({ path, reason: 'truncated', offset, end: offset, record, count, atLeast: false });
  const none = new Uint32Array(0);
  const nothing = { bytes: new Uint8Array(0), count: 0, offsets: none, lengths: none, crcs: none };
  yield { ...nothing, firstRecord: record + count, firstOffset: offset };
}

export interface ReadFileOptions extends Omit<ReadBlocksOptions, 'path' | 'index'> {
  codec?: Codec | 'auto';
}

/**
 * The records of one file in blocks; see `readBlocks`. Errors and losses name it. An index beside it makes losses exact and a
 * file that was cut known.
 * @throws what `readBlocks` throws; SHARDFEED_STALE, SHARDFEED_MANIFEST for an index that does not belong to the file
 */
export async function* readFileBlocks(
  file: Location | DatasetPart,
  options: ReadFileOptions = {},
): AsyncGenerator<RecordBlock> {
  const { codec = 'auto', signal, policy = 'error' } = options;
  const strict = policy instanceof LossLedger ? policy.strict : policy === 'error';
  const part = 'bytes' in file ? file : { ...file, name: '', bytes: (await file.fs.stat(file.path, { signal })).size };
  const index = await indexForReading(part, { strict, signal });
  const opened = await openDirect(file, { codec, signal });
  const damage = strict ? 'error' : 'gap';
  const source =
    opened.direct ?? openSource(file, { codec: opened.codec, damage, members: index?.memberTable, signal });
  yield* readBlocks(source, { ...options, path: displayPath(file), index });
}
