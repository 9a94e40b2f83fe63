import type { Location } from '../files.js';
import { baseName, joinPath, parentPath } from '../paths.js';
import { targetOf } from './names.js';
import { cleanUp } from './recover.js';
import { TIMING } from './siblings.js';

/**
 * Deletes what dead jobs left in the folder of a file that was written just now: for folders in which each job has a target of its
 * own, which no other job would clean up behind.
 */
export async function sweepFolder({ fs, path }: Location): Promise<void> {
  const folder = parentPath(path);
  const targets = new Set<string>();
  for await (const found of fs.list(folder)) {
    const target = targetOf(baseName(found.path));
    if (target !== undefined) targets.add(joinPath(folder, target));
  }
  if (targets.size === 0) return;
  const { mtimeMs } = await fs.stat(path);
  for (const target of targets) await cleanUp(fs, target, { nowMs: mtimeMs, timing: TIMING });
}
