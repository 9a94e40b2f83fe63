import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stopCluster } from '../../../scripts/hdfs/cluster.mjs';
import { stopKdc } from '../../../scripts/hdfs/kdc.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of this run's clusters, one folder each. */
    hdfsRoot: string;
  }
}

const PREFIX = 'shardfeed-hdfs-';

async function clear(root: string): Promise<void> {
  const folders = readdirSync(root).map((name) => join(root, name));
  for (const folder of folders) stopKdc(folder);
  await Promise.all(folders.map((folder) => stopCluster(folder)));
  rmSync(root, { recursive: true, force: true });
}

/** Stops what runs that were killed have left: their folders carry the pid. */
async function clearDeadRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await clear(join(tmpdir(), name));
  }
}

/** Gives the run a folder for its clusters, which the tests start when they need them; at the end all are stopped. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await clearDeadRuns();
  const root = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  project.provide('hdfsRoot', root);
  return () => clear(root);
}
