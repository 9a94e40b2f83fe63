import * as fsPromises from 'node:fs/promises';
import { ShardfeedError } from '../../errors.js';
import { parentPath } from '../paths.js';
import { syncFolder } from './durable.js';
import { errnoOf, guarded, localError } from './errors.js';

/** The system calls that a rename needs, so that a test can stand in for a file system without hard links. */
export type RenameCalls = Pick<
  typeof fsPromises,
  'link' | 'lstat' | 'mkdir' | 'open' | 'readdir' | 'rename' | 'rmdir' | 'unlink'
>;

const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
const OCCUPIED = { ENOTEMPTY: 'SHARDFEED_EXISTS', EEXIST: 'SHARDFEED_EXISTS', ENOTDIR: 'SHARDFEED_EXISTS' } as const;
/** ENOTDIR from `lstat`: something above is a file, so nothing can be below it. */
const BELOW_A_FILE = { ENOTDIR: 'SHARDFEED_NOT_FOUND' } as const;

/**
 * Moves a file or folder to a name that nothing has. rename(2) alone would replace a file or an empty folder, and
 * renameat2(2) with RENAME_NOREPLACE is out of reach from Node, so:
 *
 * - A file is linked to its new name, which fails if anything has it, and then loses its old one. Between the two it has
 *   both names. Where there are no hard links, an empty file claims the new name and is replaced by rename(2): a crash
 *   between the two leaves that empty file.
 * - A folder with content is renamed after a look at the target. rename(2) itself refuses files and folders with
 *   content; so a folder that appears after the look is replaced only while it is empty, and no data can be lost.
 * - An empty folder claims the new name with mkdir(2), as it would lose to any other mover otherwise.
 *
 * Of several movers to one name exactly one succeeds.
 */
export async function renameNoReplace(from: string, to: string, calls: RenameCalls = fsPromises): Promise<void> {
  const source = await guarded(calls.lstat(from), 'rename', from, BELOW_A_FILE);
  if (source.isDirectory()) await renameFolder(from, to, calls);
  else await renameFile(from, to, calls);
  await guarded(syncFolder(parentPath(to)), 'sync', parentPath(to));
  if (parentPath(from) !== parentPath(to)) {
    // The old parent may be gone by now, and with it the need.
    await syncFolder(parentPath(from)).catch(() => undefined);
  }
}

async function renameFile(from: string, to: string, calls: RenameCalls): Promise<void> {
  try {
    await calls.link(from, to);
  } catch (error) {
    if (!NO_HARD_LINKS.has(errnoOf(error) ?? '')) {
      throw localError(error, `rename ${from} to`, to, BELOW_A_FILE);
    }
    const claim = await guarded(calls.open(to, 'wx'), `rename ${from} to`, to, BELOW_A_FILE);
    await claim.close();
    await guarded(calls.rename(from, to), `rename ${from} to`, to);
    return;
  }
  await guarded(calls.unlink(from), 'remove the old name', from);
}

async function renameFolder(from: string, to: string, calls: RenameCalls): Promise<void> {
  const action = `rename ${from} to`;
  const target = await guarded(calls.lstat(to).catch(absent), action, to, BELOW_A_FILE);
  if (target !== undefined) {
    throw new ShardfeedError('SHARDFEED_EXISTS', `cannot ${action} ${to}: it exists already`, { path: to });
  }
  const empty = (await guarded(calls.readdir(from), 'rename', from)).length === 0;
  const claim = empty && !to.startsWith(`${from}/`);
  if (claim) await guarded(calls.mkdir(to), action, to);
  try {
    await calls.rename(from, to);
  } catch (error) {
    // rmdir(2) leaves alone what somebody else has put there.
    if (claim) await calls.rmdir(to).catch(() => undefined);
    throw localError(error, action, to, OCCUPIED);
  }
}

function absent(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
