import { isShardfeedError } from '../../errors.js';
import {
  baseName,
  type CallOptions,
  displayPath,
  type Location,
  resolveUri,
  type WithFiles,
} from '../../files/index.js';
import { invalid } from './checkpoint.js';
import { type CheckpointHeader, decodeHeader, headerBytes } from './decode-checkpoint.js';

const NAME = /^step-(\d{12,})\.safetensors$/;
const HEAD_BYTES = 64 << 10;

/** A file that is called as a checkpoint is. */
export interface CheckpointFile extends Location {
  readonly step: number;
  /** Of the file. */
  readonly bytes: number;
}

export interface ReadCheckpointOptions extends CallOptions, WithFiles {}

export function fileName(step: number): string {
  return `step-${String(step).padStart(12, '0')}.safetensors`;
}

/** The checkpoints of a folder by their names, newest (highest step) first; none where there is no folder. */
export async function findCheckpoints(folder: string, options: ReadCheckpointOptions = {}): Promise<CheckpointFile[]> {
  const { fs, path } = resolveUri(folder, options);
  const files: CheckpointFile[] = [];
  try {
    for await (const { path: file, type, size } of fs.list(path, options)) {
      const [, digits] = NAME.exec(baseName(file)) ?? [];
      if (digits !== undefined && type === 'file') files.push({ fs, path: file, step: Number(digits), bytes: size });
    }
  } catch (error) {
    if (!isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) throw error;
  }
  return files.sort((a, b) => b.step - a.step);
}

/** The header of a checkpoint, and whether the file has the size and name that it says. @throws SHARDFEED_CHECKPOINT */
export async function readHeader(file: CheckpointFile, { signal }: CallOptions = {}): Promise<CheckpointHeader> {
  const path = displayPath(file);
  let bytes = await readRange(file, Math.min(HEAD_BYTES, file.bytes), { signal });
  const wanted = headerBytes(bytes, path);
  if (wanted > bytes.length) bytes = await readRange(file, Math.min(wanted, file.bytes), { signal });
  const header = decodeHeader(bytes, path);
  if (header.size !== file.bytes) {
    throw invalid(`it has ${file.bytes} bytes, ${header.size} are wanted: it was cut off`, path);
  }
  if (header.info.step !== file.step) throw invalid(`it is of step ${header.info.step}: it was renamed`, path);
  return header;
}

/** The first `bytes` bytes of a file, in memory of their own. @throws SHARDFEED_CHECKPOINT where there are fewer */
export async function readRange(place: Location, bytes: number, { signal }: CallOptions = {}): Promise<Uint8Array> {
  const all = new Uint8Array(bytes);
  let at = 0;
  for await (const chunk of place.fs.read(place.path, { end: bytes, signal })) {
    all.set(chunk.subarray(0, bytes - at), at);
    at += chunk.length;
  }
  if (at >= bytes) return all;
  throw invalid(`it ended after ${at} of ${bytes} bytes while it was read`, displayPath(place));
}

/** Whether an error says that a file cannot serve, as against a file system that does not answer. */
export function isDamage(error: unknown): boolean {
  const codes = ['SHARDFEED_CHECKPOINT', 'SHARDFEED_NOT_FOUND', 'SHARDFEED_HDFS_BLOCK_MISSING'] as const;
  return codes.some((code) => isShardfeedError(error, code));
}
