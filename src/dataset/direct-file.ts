import { isShardfeedError } from '../errors.js';
import {
  type CallOptions,
  type Codec,
  detectFormat,
  type FileReader,
  HEAD_BYTES,
  type Location,
} from '../files/index.js';
import type { DirectSource } from '../records/index.js';

/** A file opened for direct reads, or only what is known of its compression where it has to be read as a stream. */
export interface OpenedFile {
  readonly codec: Codec | 'auto';
  readonly direct?: DirectSource;
}

/** Opens a file for direct reads where its driver has them and it is not compressed. @throws SHARDFEED_NOT_FOUND */
export async function openDirect(
  { fs, path }: Location,
  options: { codec: Codec | 'auto'; signal?: AbortSignal },
): Promise<OpenedFile> {
  const { codec, signal } = options;
  if (codec !== 'auto' && codec !== 'none') return { codec };
  const reader = await openReader({ fs, path }, { signal });
  if (reader === undefined) return { codec };
  if (codec === 'none') return { codec, direct: new DirectFile(reader) };
  try {
    const detected = detectFormat(await readHead(reader), path).codec;
    if (detected === 'none') return { codec: detected, direct: new DirectFile(reader) };
    await reader.close();
    return { codec: detected };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Opens a file for direct reads; undefined where its driver has none, or the file no size. @throws SHARDFEED_NOT_FOUND */
export async function openReader({ fs, path }: Location, options: CallOptions): Promise<FileReader | undefined> {
  try {
    return await fs.openReader?.(path, options);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_UNSUPPORTED')) return undefined;
    throw error;
  }
}

async function readHead(reader: FileReader): Promise<Uint8Array> {
  const head = new Uint8Array(HEAD_BYTES);
  let used = 0;
  while (used < head.length) {
    const count = await reader.read(head.subarray(used), used);
    if (count === 0) break;
    used += count;
  }
  return head.subarray(0, used);
}

class DirectFile implements DirectSource {
  readonly #reader: FileReader;
  #position = 0;

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  async readInto(into: Uint8Array): Promise<number> {
    const count = await this.#reader.read(into, this.#position);
    this.#position += count;
    return count;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
