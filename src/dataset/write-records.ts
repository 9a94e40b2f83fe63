import { throwIfAborted } from '../errors.js';
import {
  Attempts,
  type Codec,
  compressWriter,
  displayPath,
  FileCommit,
  type FileWriter,
  type Location,
  resolveUri,
  SpoolRoom,
  TemporaryFiles,
  untilWritten,
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
  /** Local folder for the records until a remote file system has them for certain. Default the system's. */
  spoolDir?: string;
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
  const write = async (file: FileWriter): Promise<number> => {
    const writer = compressWriter(file, codec, { level });
    for await (const chunk of frameChunks(counted())) {
      throwIfAborted(signal, target.path);
      await writer.write(chunk);
    }
    await writer.close();
    return writer.storedBytes;
  };
  // What comes once and may have to be written twice is kept meanwhile.
  const temporary = new TemporaryFiles(new SpoolRoom({ dir: options.spoolDir }));
  let kept: Location | undefined;
  let bytes = 0;
  try {
    await writeWhole(target, { overwrite, signal }, async (file) => {
      if (target.fs.capabilities.interruptibleWrites !== true) {
        bytes = await write(file);
      } else {
        if (kept === undefined) {
          const { writer, ...place } = await temporary.create({ signal });
          bytes = await write(writer);
          kept = place;
        }
        for await (const chunk of kept.fs.read(kept.path, { signal })) await file.write(chunk);
      }
      // The index of the file that is replaced now would be refused beside the new one.
      if (overwrite) await target.fs.delete(indexLocation(target).path, { signal });
    });
  } finally {
    await temporary.close();
  }
  return { records: count, bytes };
}

/**
 * Lets `write` fill a file beside the target, and moves it there when that succeeds. What is at the target stays until
 * then. Where writing is interrupted (see `FileWriter`), `write` is called again for the whole file.
 * @throws SHARDFEED_EXISTS before anything is written unless `overwrite`; SHARDFEED_BUSY
 */
export async function writeWhole<T>(
  target: Location,
  options: { overwrite?: boolean; signal?: AbortSignal },
  write: (file: FileWriter) => Promise<T>,
): Promise<T> {
  const attempts = new Attempts(displayPath(target), options);
  const file = await FileCommit.begin(target, { ...options, signal: attempts.signal });
  const timed: FileWriter = {
    write: (bytes) => attempts.call(() => file.write(bytes)),
    close: () => attempts.call(() => file.close()),
    abort: () => file.abort(),
  };
  let again = false;
  const attempt = async (): Promise<T> => {
    if (again) await attempts.call(() => file.restart());
    again = true;
    const result = await write(timed);
    await attempts.call(() => file.commit());
    return result;
  };
  try {
    return await untilWritten(attempts, attempt);
  } catch (error) {
    await file.abort();
    throw error;
  }
}
