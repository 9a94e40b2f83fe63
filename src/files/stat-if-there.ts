import { isShardfeedError } from '../errors.js';
import type { CallOptions, FileStat, FileSystem } from './file-system.js';

/** What is at a path; undefined where nothing is. */
export async function statIfThere(
  fs: FileSystem,
  path: string,
  options: CallOptions = {},
): Promise<FileStat | undefined> {
  try {
    return await fs.stat(path, options);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) return undefined;
    throw error;
  }
}
