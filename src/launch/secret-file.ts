import { randomBytes } from 'node:crypto';
import { rmdirSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface SecretFile {
  readonly path: string;
  /** Twice is fine. */
  delete(): void;
}

/** A new secret in a file that only this user can read. It never stands in a command line or an environment. */
export async function writeSecret(): Promise<SecretFile> {
  const folder = await mkdtemp(join(tmpdir(), 'shardfeed-job-'));
  const path = join(folder, 'secret');
  await writeFile(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  return { path, delete: () => deleteSecret(path) };
}

/** With the folder that was made for it, and nothing else. Twice is fine, and by several processes. */
export function deleteSecret(path: string): void {
  rmSync(path, { force: true });
  try {
    rmdirSync(dirname(path));
  } catch {
    // Another process was first, or there is more in it.
  }
}
