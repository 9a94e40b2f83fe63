import { displayPath } from '../../files/index.js';
import type { CheckpointInfo } from './checkpoint.js';
import {
  type CheckpointFile,
  findCheckpoints,
  isDamage,
  type ReadCheckpointOptions,
  readHeader,
} from './checkpoint-files.js';
import { loadFile } from './load-checkpoint.js';

export interface ListedCheckpoint {
  readonly path: string;
  readonly step: number;
  /** Of the file. */
  readonly bytes: number;
  /** Absent where it is damaged. */
  readonly info?: CheckpointInfo;
  /** What is wrong with it. */
  readonly problem?: string;
}

/** The checkpoints of a folder, newest first, by their headers alone. None where there is no such folder. */
export async function listCheckpoints(
  folder: string,
  options: ReadCheckpointOptions = {},
): Promise<ListedCheckpoint[]> {
  return look(folder, options, async (file) => (await readHeader(file, options)).info);
}

/** The same, after each file has been read from its start to its end and its digests have been checked. */
export async function verifyCheckpoints(
  folder: string,
  options: ReadCheckpointOptions = {},
): Promise<ListedCheckpoint[]> {
  return look(folder, options, async (file) => (await loadFile(file, options)).info);
}

async function look(
  folder: string,
  options: ReadCheckpointOptions,
  read: (file: CheckpointFile) => Promise<CheckpointInfo>,
): Promise<ListedCheckpoint[]> {
  const listed: ListedCheckpoint[] = [];
  for (const file of await findCheckpoints(folder, options)) {
    const what = { path: displayPath(file), step: file.step, bytes: file.bytes };
    try {
      listed.push({ ...what, info: await read(file) });
    } catch (error) {
      if (!isDamage(error)) throw error;
      listed.push({ ...what, problem: (error as Error).message });
    }
  }
  return listed;
}
