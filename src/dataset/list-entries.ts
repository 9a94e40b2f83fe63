import { isShardfeedError } from '../errors.js';
import {
  baseName,
  type CallOptions,
  displayPath,
  expandGlob,
  type FileStat,
  findPath,
  isHidden,
  parentPath,
  resolveUri,
  type WithFiles,
} from '../files/index.js';
import { type Manifest, readManifest } from './manifest.js';
import { mapLimited } from './map-limited.js';
import { readIndexHeader } from './part-index.js';

export interface ListedEntry extends Pick<FileStat, 'owner' | 'group' | 'permission' | 'replication'> {
  readonly path: string;
  readonly type: 'file' | 'folder';
  /** Of the stored file; of a folder, 0. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Of a part, or of the dataset that a folder is; undefined where neither manifest nor index knows. */
  readonly records?: number | undefined;
}

/**
 * What URIs, paths and patterns name: a file itself, of a folder all that lies directly in it, `_` and `.` names too. Bytes
 * of records are not read: their numbers come from manifests and indexes, as far as these belong to the files.
 * @throws SHARDFEED_NOT_FOUND
 */
export async function listEntries(
  uris: string | readonly string[],
  options: WithFiles & CallOptions = {},
): Promise<ListedEntry[]> {
  const { signal } = options;
  const entries: ListedEntry[] = [];
  for (const uri of typeof uris === 'string' ? [uris] : uris) {
    const { fs, path } = resolveUri(uri, options);
    const found = await findPath(fs, path, { signal });
    const stats: FileStat[] = [];
    if (found?.type === 'folder') for await (const stat of fs.list(path, { signal })) stats.push(stat);
    else if (found !== undefined) stats.push(found);
    else for (const match of await expandGlob(uri, options)) stats.push(await match.fs.stat(match.path, { signal }));
    // Not to look for an index of every file in a folder without any: that would be a request each.
    const indexed = found?.type !== 'folder' || stats.some((stat) => baseName(stat.path) === '_index');
    const manifests = new Map<string, Promise<Manifest | undefined>>();
    const manifestOf = (folder: string): Promise<Manifest | undefined> => {
      const known = manifests.get(folder) ?? ifSound(readManifest({ fs, path: folder }, { signal }));
      manifests.set(folder, known);
      return known;
    };
    const recordsOf = async (stat: FileStat): Promise<number | undefined> => {
      const { path, type, size } = stat;
      const name = baseName(path);
      if (isHidden(name)) return undefined;
      if (type === 'folder') return (await manifestOf(path))?.records;
      const manifest = await manifestOf(parentPath(path));
      const part = manifest?.parts.find((listed) => listed.path === name && listed.bytes === size);
      if (part !== undefined || !indexed) return part?.records;
      return (await ifSound(readIndexHeader({ fs, path, name, bytes: size }, { signal })))?.records;
    };
    const listed = await mapLimited(stats, async (stat) => {
      const { path, type, size: bytes, mtimeMs, owner, group, permission, replication } = stat;
      const rest = { owner, group, permission, replication };
      return { path: displayPath({ fs, path }), type, bytes, mtimeMs, records: await recordsOf(stat), ...rest };
    });
    entries.push(...listed);
  }
  return entries;
}

/** A listing goes on where a manifest or index is damaged, belongs to other bytes, or may not be read. */
async function ifSound<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const unsound = ['SHARDFEED_MANIFEST', 'SHARDFEED_STALE', 'SHARDFEED_UNSUPPORTED', 'SHARDFEED_PERMISSION'] as const;
    if (unsound.some((code) => isShardfeedError(error, code))) return undefined;
    throw error;
  }
}
