import { isDeepStrictEqual } from 'node:util';
import { isShardfeedError, ShardfeedError } from '../../errors.js';
import {
  Attempts,
  displayPath,
  FileCommit,
  joinPath,
  type Location,
  pause,
  resolveUri,
  sweepFolder,
  untilWritten,
} from '../../files/index.js';
import { type Checkpoint, type CheckpointInfo, invalid } from './checkpoint.js';
import {
  type CheckpointFile,
  fileName,
  findCheckpoints,
  isDamage,
  type ReadCheckpointOptions,
  readHeader,
} from './checkpoint-files.js';
import { decodeHeader } from './decode-checkpoint.js';
import { encodeCheckpoint } from './encode-checkpoint.js';
import { loadFile } from './load-checkpoint.js';

const KEEP = 3;
const CHUNK_BYTES = 8 << 20;
/** A writer on another machine that shows no life for a minute no longer counts. */
const MOST_BUSY_MS = 90_000;

/** Which checkpoint counts as the best: that with the lowest or highest value of a metric, the older of two equal ones. */
export interface BestBy {
  readonly metric: string;
  readonly mode: 'min' | 'max';
}

export interface SaveCheckpointOptions extends ReadCheckpointOptions {
  /** How many of the newest stay. Default 3. */
  readonly keep?: number;
  /** Stays too. */
  readonly best?: BestBy;
  /**
   * The training has gone back to an older checkpoint on purpose: those of this step and later ones are of a history that was given
   * up, and deleted. Default false: a whole one of a later step is an error, since somebody else trains here.
   */
  readonly rewind?: boolean;
}

export interface SavedCheckpoint {
  readonly path: string;
  readonly step: number;
  /** Of the file. */
  readonly bytes: number;
  /** Older ones that made way. */
  readonly deleted: readonly string[];
}

/**
 * Writes a checkpoint into a folder, under a name that its step makes. It has that name once it is whole, durable, and was read back
 * equal; then older ones make way. A process that dies at any moment leaves the others as they are. The state is copied before this
 * first waits.
 * @throws SHARDFEED_CHECKPOINT where the folder has a whole one of a later step, or another state of this step; SHARDFEED_BUSY where
 * another process saves the same step; SHARDFEED_NO_SPACE; what else the file system says
 */
export async function saveCheckpoint(
  folder: string,
  checkpoint: Checkpoint,
  options: SaveCheckpointOptions = {},
): Promise<SavedCheckpoint> {
  const { keep = KEEP, rewind = false, signal } = options;
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new ShardfeedError('SHARDFEED_USAGE', `keep ${keep}: a whole number from 1 is wanted`);
  }
  const bytes = encodeCheckpoint(checkpoint);
  const { step } = checkpoint.info;
  const { fs, path } = resolveUri(folder, options);
  const target: Location = { fs, path: joinPath(path, fileName(step)) };
  const later = (await findCheckpoints(folder, options)).filter((file) => file.step >= step);
  if (!rewind) for (const file of later) await checkLater(file, bytes, options);
  const commit = await begin(target, signal);
  try {
    await write(commit, bytes, signal);
    await checkEqual({ fs, path: commit.staging }, bytes, options);
    await commit.commit();
  } finally {
    await commit.abort();
  }
  const older = (await findCheckpoints(folder, options)).filter((file) => file.step < step);
  const deleted = [...later.filter((file) => file.step > step), ...(await surplus(older, checkpoint.info, options))];
  for (const file of deleted) await fs.delete(file.path, { signal });
  await sweepFolder(target);
  return { path: displayPath(target), step, bytes: bytes.length, deleted: deleted.map(displayPath) };
}

/** Waits, bounded, while another process writes the same file: it may be a dead one on another machine. */
async function begin(target: Location, signal: AbortSignal | undefined): Promise<FileCommit> {
  for (const end = performance.now() + MOST_BUSY_MS; ; ) {
    try {
      return await FileCommit.begin(target, { overwrite: true, signal });
    } catch (error) {
      if (!isShardfeedError(error, 'SHARDFEED_BUSY') || performance.now() > end) throw error;
      await pause(1000, target.path, { signal });
    }
  }
}

async function write(commit: FileCommit, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  const attempts = new Attempts(commit.path, { signal });
  let again = false;
  await untilWritten(attempts, async () => {
    if (again) await attempts.call(() => commit.restart());
    again = true;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      await attempts.call(() => commit.write(bytes.subarray(at, at + CHUNK_BYTES)));
    }
    await attempts.call(() => commit.close());
  });
}

/** What has to make way, of older checkpoints that are given newest first. Damaged ones do not count as kept. */
async function surplus(
  older: readonly CheckpointFile[],
  saved: CheckpointInfo,
  { keep = KEEP, best, signal }: SaveCheckpointOptions,
): Promise<CheckpointFile[]> {
  const whole: { file: CheckpointFile; info: CheckpointInfo }[] = [];
  const going: CheckpointFile[] = [];
  for (const file of older) {
    try {
      whole.push({ file, info: (await readHeader(file, { signal })).info });
    } catch (error) {
      if (!isDamage(error)) throw error;
      if (whole.length >= keep - 1) going.push(file);
    }
  }
  const bestStep = bestOf([saved, ...whole.map(({ info }) => info)], best)?.step;
  return [...whole.slice(keep - 1).flatMap(({ file }) => (file.step === bestStep ? [] : [file])), ...going];
}

/** Of those given newest first; a metric that is absent or NaN is no candidate. */
export function bestOf(infos: readonly CheckpointInfo[], best: BestBy | undefined): CheckpointInfo | undefined {
  if (best === undefined) return undefined;
  const sign = best.mode === 'max' ? -1 : 1;
  let found: CheckpointInfo | undefined;
  for (const info of infos) {
    const value = info.metrics?.[best.metric] ?? Number.NaN;
    if (sign * value <= sign * (found?.metrics?.[best.metric] ?? sign * Number.POSITIVE_INFINITY)) found = info;
  }
  return found;
}

/** @throws SHARDFEED_CHECKPOINT where a file of the same or a later step tells of another training */
async function checkLater(file: CheckpointFile, bytes: Uint8Array, options: ReadCheckpointOptions): Promise<void> {
  try {
    const path = displayPath(file);
    const mine = decodeHeader(bytes, path);
    const theirs = await readHeader(file, options);
    if (theirs.info.step === mine.info.step && isDeepStrictEqual(theirs.places, mine.places)) return;
    await loadFile(file, options);
  } catch (error) {
    if (isDamage(error)) return;
    throw error;
  }
  const what =
    `${displayPath(file)} is of another course of the training: somebody else saves here, or training went back to an older ` +
    'checkpoint; choose another folder, or say `rewind` to give the later ones up';
  throw invalid(what);
}

/** @throws SHARDFEED_CHECKPOINT where what was written reads otherwise */
async function checkEqual(place: Location, bytes: Uint8Array, { signal }: ReadCheckpointOptions): Promise<void> {
  let at = 0;
  for await (const chunk of place.fs.read(place.path, { signal })) {
    if (Buffer.compare(chunk, bytes.subarray(at, at + chunk.length)) !== 0) break;
    at += chunk.length;
  }
  if (at === bytes.length) return;
  throw invalid(
    `it reads otherwise than it was written, from byte ${at} on: it was not given its name`,
    displayPath(place),
  );
}
