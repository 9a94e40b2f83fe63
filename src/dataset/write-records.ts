import { throwIfAborted } from '../errors.js';
import {
  type Codec,
  compressWriter,
  FileCommit,
  type FileWriter,
  type Location,
  resolveUri,
  type WithFiles,
} from '../files/index.js';
import { frameChunks } from '../records/index.js';
import { indexLocation } from './record-index.js';

export interface WriteRecordsOptions extends WithFiles {
  /** Compress the whole file, default `'none'`. */
  codec?: Codec;
  /** 0 (stored) to 9 (smallest); -1 (default) is zlib's own default. */
  level?: number;
  /** Replace an existing file. Default false. */
  overwrite?: boolean;
  signal?: AbortSignal;
}

export interface WrittenRecords {
  readonly records: number;
  /** Size of the file in bytes. */
  readonly bytes: number;
}

/**
 * Writes payloads to one TFRecord file. The file appears whole under its name, or not at all.
 * @throws SHARDFEED_EXISTS, and what the file system throws
 */
export async function writeRecords(
  uri: string,
  records: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: WriteRecordsOptions = {},
): Promise<WrittenRecords> {
  const { codec = 'none', level, overwrite = false, signal } = options;
  let count = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const record of records) {
      count++;
      yield record;
    }
  }
  const target = resolveUri(uri, options);
  const bytes = await writeWhole(target, { overwrite, signal }, async (file) => {
    const writer = compressWriter(file, codec, { level });
    for await (const chunk of frameChunks(counted())) {
      throwIfAborted(signal, target.path);
      await writer.write(chunk);
    }
    await writer.close();
    // The index of the file that is replaced now would be refused beside the new one.
    if (overwrite) await target.fs.delete(indexLocation(target).path, { signal });
    return writer.storedBytes;
  });
  return { records: count, bytes };
}

/**
 * Lets `write` fill a file beside the target, and moves it there when that succeeds. What is at the target stays until
 * then.
 * @throws SHARDFEED_EXISTS before anything is written unless `overwrite`; SHARDFEED_BUSY
 */
export async function writeWhole<T>(
  target: Location,
  options: { overwrite?: boolean; signal?: AbortSignal },
  write: (file: FileWriter) => Promise<T>,
): Promise<T> {
  const file = await FileCommit.begin(target, options);
  try {
    const result = await write(file);
    await file.commit();
    return result;
  } catch (error) {
    await file.abort();
    throw error;
  }
}
