import { ShardfeedError } from '../../errors.js';
import { displayPath } from '../../files/index.js';
import { type Checkpoint, invalid } from './checkpoint.js';
import {
  type CheckpointFile,
  findCheckpoints,
  isDamage,
  type ReadCheckpointOptions,
  readHeader,
  readRange,
} from './checkpoint-files.js';
import { decodeCheckpoint } from './decode-checkpoint.js';

export interface LoadCheckpointOptions extends ReadCheckpointOptions {
  /** Default: the newest that is whole. */
  readonly step?: number;
  /** Of the dataset that training goes on with; a checkpoint of another one is refused. */
  readonly fingerprint?: string;
  /** Told of each damaged checkpoint that an older one is taken for. Default: a warning of the process. */
  readonly onDamaged?: (problem: ShardfeedError) => void;
}

export interface LoadedCheckpoint extends Checkpoint {
  readonly path: string;
}

/**
 * Reads the newest whole checkpoint of a folder; undefined where there is none at all. A damaged one is told of and the one before
 * taken; where all are damaged nothing is begun anew without being asked.
 * @throws SHARDFEED_CHECKPOINT where all are damaged, the one asked for is, or it is of another dataset; SHARDFEED_NOT_FOUND where the
 * one asked for does not exist
 */
export async function loadCheckpoint(
  folder: string,
  options: LoadCheckpointOptions = {},
): Promise<LoadedCheckpoint | undefined> {
  const { step, fingerprint, onDamaged = warn } = options;
  const files = await findCheckpoints(folder, options);
  if (step !== undefined) {
    const file = files.find((one) => one.step === step);
    if (file !== undefined) return checkDataset(await loadFile(file, options), fingerprint);
    const has = files.length === 0 ? 'no checkpoint' : `those of the steps ${files.map((one) => one.step).join(', ')}`;
    const what = `there is no checkpoint of step ${step} in ${folder}, which has ${has}`;
    throw new ShardfeedError('SHARDFEED_NOT_FOUND', what, { path: folder });
  }
  let first: unknown;
  for (const file of files) {
    try {
      const loaded = await loadFile(file, options);
      return checkDataset(loaded, fingerprint);
    } catch (error) {
      if (!isDamage(error) || error instanceof OtherDataset) throw error;
      first ??= error;
      onDamaged(error as ShardfeedError);
    }
  }
  if (first === undefined) return undefined;
  const what = `all ${files.length} checkpoints in ${folder} are damaged: shardfeed checkpoint verify says how; to begin anew, name another folder`;
  throw invalid(what, undefined, first);
}

/** @throws SHARDFEED_CHECKPOINT where the file is damaged */
export async function loadFile(file: CheckpointFile, options: ReadCheckpointOptions = {}): Promise<LoadedCheckpoint> {
  await readHeader(file, options);
  const path = displayPath(file);
  return { ...decodeCheckpoint(await readRange(file, file.bytes, options), path), path };
}

class OtherDataset extends ShardfeedError {}

function checkDataset(loaded: LoadedCheckpoint, fingerprint: string | undefined): LoadedCheckpoint {
  const found = loaded.info.fingerprint;
  if (fingerprint === undefined || found === undefined || found === fingerprint) return loaded;
  const what =
    `the checkpoint ${loaded.path} was trained on a dataset with the fingerprint ${found.slice(0, 12)}..., this one has ` +
    `${fingerprint.slice(0, 12)}...: give that dataset, or begin in another folder`;
  throw new OtherDataset('SHARDFEED_CHECKPOINT', what, { path: loaded.path });
}

function warn({ message, code }: ShardfeedError): void {
  process.emitWarning(`${message}; the one before is taken`, { type: 'ShardfeedWarning', code });
}
