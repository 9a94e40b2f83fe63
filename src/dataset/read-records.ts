import { type Codec, expandGlob, type Location, openSource, type WithFiles } from '../files/index.js';
import {
  type ByteSource,
  type CorruptionPolicy,
  LossLedger,
  type ReadBlocksOptions,
  type RecordBlock,
  readBlocks,
} from '../records/index.js';
import { openDirect } from './direct-file.js';

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
  for (const file of await expandGlob(source, options)) yield* readFileBlocks(file, { ...options, policy });
}

export interface ReadFileOptions extends Omit<ReadBlocksOptions, 'path'> {
  codec?: Codec | 'auto';
}

/** The records of one file in blocks; see `readBlocks`. Errors and losses name it. */
export async function* readFileBlocks(file: Location, options: ReadFileOptions = {}): AsyncGenerator<RecordBlock> {
  const { codec = 'auto', signal, policy = 'error' } = options;
  const strict = policy instanceof LossLedger ? policy.strict : policy === 'error';
  const call = signal === undefined ? {} : { signal };
  const opened = await openDirect(file, { codec, ...call });
  const source = opened.direct ?? openSource(file, { codec: opened.codec, damage: strict ? 'error' : 'gap', ...call });
  yield* readBlocks(source, { ...options, path: displayPath(file) });
}

/** How errors and losses name a file. */
export function displayPath({ fs, path }: Location): string {
  return fs.scheme === 'file' ? path : `${fs.scheme}://${path}`;
}
