import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { parentPath } from '../paths.js';
import { errnoOf } from './errors.js';

/** What cannot be synced (pipes, devices, folders of some file systems) says so; there is nothing to make durable then. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);
/** A folder may be writable but not readable, or not open at all (Windows). */
const CANNOT_OPEN = new Set(['EACCES', 'EPERM', 'EISDIR']);

/** Makes what was written durable. */
export async function syncHandle(handle: FileHandle): Promise<void> {
  await handle.sync().catch(ignore(CANNOT_SYNC));
}

/** Makes the names in a folder durable: without it a new or renamed file may be gone after a power failure. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(ignore(CANNOT_OPEN));
  if (handle === undefined) return;
  try {
    await syncHandle(handle);
  } finally {
    await handle.close();
  }
}

function ignore(errnos: ReadonlySet<string>): (error: unknown) => undefined {
  return (error) => {
    if (!errnos.has(errnoOf(error) ?? '')) throw error;
  };
}

/**
 * Makes a folder and its parents durably. Does nothing where it exists. Step by step: Node's own recursive mkdir never
 * returns where the parent exists and still nothing can be made in it, as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(error, path)) return;
    const parent = parentPath(path);
    if (errnoOf(error) !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    await mkdir(path).catch(async (again) => {
      if (!(await isFolder(again, path))) throw again;
    });
  }
  await syncFolder(parentPath(path));
}

/** Whether mkdir failed because the folder is there. */
async function isFolder(error: unknown, path: string): Promise<boolean> {
  return errnoOf(error) === 'EEXIST' && (await stat(path)).isDirectory();
}
