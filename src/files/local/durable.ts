import { type FileHandle, mkdir, open } from 'node:fs/promises';
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

/** Makes a folder and its parents durably. Does nothing where it exists. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; ; made = parentPath(made)) {
    await syncFolder(parentPath(made));
    if (made === first || made === '/') return;
  }
}
