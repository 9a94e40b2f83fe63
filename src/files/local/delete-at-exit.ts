import { rmSync } from 'node:fs';

/** Folders that are deleted should the process end before whoever made them has done so. One process, one set. */
const folders = new Set<string>();

function deleteAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** Gives a function that takes it back. A process that is killed by a signal that it does not handle deletes nothing. */
export function deleteAtExit(folder: string): () => void {
  if (folders.size === 0) process.on('exit', deleteAll);
  folders.add(folder);
  return () => {
    folders.delete(folder);
    if (folders.size === 0) process.off('exit', deleteAll);
  };
}
