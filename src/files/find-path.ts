import { recover } from './commit/recover.js';
import type { CallOptions, FileStat, FileSystem } from './file-system.js';
import { parentPath } from './paths.js';
import { statIfThere } from './stat-if-there.js';

/**
 * What is at a path, for readers; undefined where nothing is. A dataset or file that a stopped `--overwrite` left without its
 * name gets it back first, also where the path leads into it.
 */
export async function findPath(fs: FileSystem, path: string, options: CallOptions = {}): Promise<FileStat | undefined> {
  const found = await statIfThere(fs, path, options);
  if (found !== undefined || path === '/') return found;
  const parent = await findPath(fs, parentPath(path), options);
  if (parent?.type !== 'folder' || (await recover({ fs, path })) === 'absent') return undefined;
  return statIfThere(fs, path, options);
}
