import { isShardfeedError, ShardfeedError } from '../../errors.js';
import { contentOfName, splitCodec } from '../compression/codec.js';
import { displayPath } from '../display-path.js';
import type { FileSystem } from '../file-system.js';
import { baseName, isHidden } from '../paths.js';
import { statIfThere } from '../stat-if-there.js';

export type TargetKind = 'file' | 'folder';

/**
 * Refuses a target that exists, unless it may be overwritten. A folder may be only if it is a dataset: a slip of
 * `--to` must not cost anybody their home.
 * @throws SHARDFEED_EXISTS
 */
export async function checkReplaceable(
  fs: FileSystem,
  target: string,
  kind: TargetKind,
  overwrite: boolean,
): Promise<void> {
  const found = await statIfThere(fs, target);
  if (found === undefined) return;
  const refuse = (why: string): ShardfeedError =>
    new ShardfeedError('SHARDFEED_EXISTS', `${displayPath({ fs, path: target })} ${why}`, { path: target });
  if (found.type !== kind) {
    throw refuse(`is a ${found.type}, and a ${kind} is to be written: it is not overwritten; delete it yourself`);
  }
  if (kind === 'folder' && !(await isDataset(fs, target))) {
    throw refuse(
      'holds other things than a dataset, so it is not overwritten: choose another place, or delete it yourself',
    );
  }
  if (!overwrite) throw refuse('exists already, and overwrite is not set');
}

/** A folder with the marks of a whole dataset, or with nothing in sight but record files. */
async function isDataset(fs: FileSystem, folder: string): Promise<boolean> {
  let onlyRecords = true;
  try {
    for await (const { path, type } of fs.list(folder)) {
      const name = baseName(path);
      if (name === '_SUCCESS' || name === '_manifest.json') return true;
      if (isHidden(name)) continue;
      onlyRecords &&= type === 'file' && contentOfName(splitCodec(name).stem) === 'tfrecord';
    }
  } catch (error) {
    // Another job has just moved it away.
    if (!isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) throw error;
  }
  return onlyRecords;
}
