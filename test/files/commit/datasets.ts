import { TIMING, type Timing } from '../../../src/files/commit/siblings.js';
import {
  type CommitOptions,
  DatasetCommit,
  type FileSystem,
  type FileWriter,
  joinPath,
} from '../../../src/files/index.js';

const PARTS = ['part-r-00000', 'part-r-00001', '_index/part-r-00000.idx'];

/** Every other process has died: what it left is there for the taking. */
export const ALONE: Timing = { ...TIMING, isGone: () => true };
/** Jobs do not stop each other at the start, so that they meet at the end. */
export const REGARDLESS: Timing = { ...TIMING, busyMs: Number.NEGATIVE_INFINITY, isGone: () => false };

/** Writes a small dataset whose every file says its version. */
export async function commitVersion(
  fs: FileSystem,
  path: string,
  version: string,
  options: CommitOptions = {},
  timing: Timing = TIMING,
): Promise<void> {
  const commit = await DatasetCommit.begin({ fs, path }, options, timing);
  try {
    for (const part of PARTS) await put(await commit.create(part), version);
    await commit.commit({ manifest: version });
  } finally {
    await commit.abort();
  }
}

export async function put(writer: FileWriter, content: string): Promise<void> {
  await writer.write(Buffer.from(content));
  await writer.close();
}

/**
 * The version of the dataset in a folder: undefined where there is none, an error where it is not whole.
 * Staged data has no `_SUCCESS` before its end; `readyOnly` takes that for none as well.
 */
export async function versionAt(fs: FileSystem, path: string): Promise<string | undefined> {
  const files = [...PARTS, '_manifest.json'];
  const found = await Promise.all(files.map((name) => readText(fs, joinPath(path, name))));
  const success = await readText(fs, joinPath(path, '_SUCCESS'));
  const all = [...found, success];
  if (all.every((content) => content === undefined)) return undefined;
  if (success === undefined || found.some((content) => content === undefined || content !== found[0])) {
    throw new Error(`not whole: ${path} holds ${JSON.stringify(all)}`);
  }
  return found[0];
}

export async function readText(fs: FileSystem, path: string): Promise<string | undefined> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of fs.read(path)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  } catch (error) {
    if ((error as { code?: string }).code === 'SHARDFEED_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Names in a folder; none for a folder that does not exist. */
export async function namesIn(fs: FileSystem, folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { path } of fs.list(folder)) names.push(path.slice(folder.length + 1));
  } catch (error) {
    if ((error as { code?: string }).code !== 'SHARDFEED_NOT_FOUND') throw error;
  }
  return names;
}
