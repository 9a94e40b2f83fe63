import { throwIfAborted } from '../../errors.js';
import type { CallOptions, Location } from '../../files/index.js';
import type { Schema } from '../../records/schema.js';
import type { CsvPlan } from '../csv/index.js';
import type { ChunkResult, ChunkTask } from './chunk-work.js';
import type { SpareBuffers } from './spare-buffers.js';

/** A file of the input. `uri` is what the user gave or the pattern found; the location is where its bytes are read. */
export interface InputFile extends Location {
  readonly uri: string;
  /** Stored bytes. */
  readonly size: number;
}

/** A piece of input and where it came from, for messages and progress. */
export interface SourcedTask {
  readonly task: Exclude<ChunkTask, { kind: 'statistics' }>;
  readonly chunk: { readonly path?: string; readonly firstLine: number; readonly offset: number };
  /** Input bytes that the piece stands for. */
  readonly inputBytes: number;
  /** Throws where the result cannot be what the piece held. */
  readonly check?: (result: ChunkResult) => void;
}

/** Input in pieces whose cuts depend on the input alone. */
export interface Source {
  /** Undefined where records are passed on whose schema nobody knows. */
  readonly schema: Schema | undefined;
  /** What the `plan` of a CSV task refers to. */
  readonly csv: readonly CsvPlan[];
  /** What the input lacks, though it may. */
  readonly warnings?: readonly string[];
  /** Input bytes in all, where known. */
  readonly totalBytes: number | undefined;
  /** Memory that served for pieces already. */
  readonly spare?: SpareBuffers;
  /** `spare` gives memory that pieces may be read into. */
  tasks(spare: SpareBuffers): AsyncGenerator<SourcedTask>;
  /**
   * The pieces again, from one that has passed on, known by its first row; where they end may differ. Undefined where the
   * input cannot be read again.
   */
  again?(firstRow: number): AsyncIterable<Pick<SourcedTask, 'task' | 'check'>>;
}

/** Reads bytes [start, end) of a file. */
export async function readRange(file: Location, start: number, end: number, call: CallOptions): Promise<Uint8Array> {
  const length = end - start;
  const bytes = new Uint8Array(length);
  let at = 0;
  if (length === 0) return bytes;
  if (file.fs.openReader === undefined) {
    for await (const chunk of file.fs.read(file.path, { ...call, start, end })) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes.subarray(0, at);
  }
  const reader = await file.fs.openReader(file.path, call);
  try {
    for (let read = -1; read !== 0 && at < length; at += read) read = await reader.read(bytes.subarray(at), start + at);
  } finally {
    await reader.close();
  }
  return bytes.subarray(0, at);
}

const PASSING_BYTES = 1 << 20;

/** The bytes of a file from `start` on; each chunk is valid only until the next one is asked for. */
export async function* passingChunks(file: InputFile, start: number, call: CallOptions): AsyncGenerator<Uint8Array> {
  if (file.fs.openReader === undefined || file.size === 0) return yield* file.fs.read(file.path, { ...call, start });
  const reader = await file.fs.openReader(file.path, call);
  try {
    const bytes = new Uint8Array(PASSING_BYTES);
    for (let at = start; ; ) {
      throwIfAborted(call.signal, file.path);
      const read = await reader.read(bytes, at);
      if (read === 0) return;
      at += read;
      yield bytes.subarray(0, read);
    }
  } finally {
    await reader.close();
  }
}
