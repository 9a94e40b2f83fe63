import { isShardfeedError, ShardfeedError } from '../errors.js';
import {
  baseName,
  type CallOptions,
  compareBytes,
  expandGlob,
  type FileStat,
  type FileSystem,
  type FoundFile,
  findPath,
  isHidden,
  joinPath,
  type Location,
  mayBePattern,
  parentPath,
  resolveUri,
  statIfThere,
  type WithFiles,
} from '../files/index.js';
import { type Manifest, type ManifestPart, readManifest } from './manifest.js';

/** A part file of a dataset. */
export interface DatasetPart extends Location {
  /** Its path relative to the dataset's folder (or to the folder that all the files share), `/`-separated. */
  readonly name: string;
  /** Of the stored file. */
  readonly bytes: number;
  /** When it was changed last, milliseconds since the epoch, where that was looked at. */
  readonly mtimeMs?: number;
  /** What the manifest says of it, where there is one. */
  readonly listed?: ManifestPart;
}

export interface ResolvedDataset {
  /** In the manifest's order, else in that of the arguments, bytewise within one. */
  readonly parts: readonly DatasetPart[];
  /** The folder, where the source is one. */
  readonly folder?: Location;
  /** Only where the source is a whole folder. */
  readonly manifest?: Manifest;
  /** Parts that the manifest lists and the folder lacks. */
  readonly absent: readonly ManifestPart[];
  /** Files that the folder holds and the manifest does not list. */
  readonly extra: readonly DatasetPart[];
}

export interface ResolveOptions extends WithFiles, CallOptions {
  /**
   * Leave it to the caller to look at `absent`, `extra` and sizes; `'sizes'`: at sizes alone. Default false: what differs from the
   * manifest is an error.
   */
  lenient?: boolean | 'sizes';
  /** Look for a manifest in a folder. Default true. */
  manifest?: boolean;
}

/**
 * Leads a URI, path, folder or glob pattern, or several, to part files. Names that begin with `_` or `.` are skipped. A
 * folder with a manifest is what the manifest lists.
 * @throws SHARDFEED_NOT_FOUND; SHARDFEED_STALE where a folder differs from its manifest; SHARDFEED_MANIFEST
 */
export async function resolveDataset(
  source: string | readonly string[],
  options: ResolveOptions = {},
): Promise<ResolvedDataset> {
  const uris = typeof source === 'string' ? [source] : source;
  const folder = uris.length === 1 ? await folderOf(uris[0]!, options) : undefined;
  const look = folder !== undefined && options.manifest !== false;
  const manifest = look ? await readManifest(folder, callOf(options)) : undefined;
  if (folder === undefined || manifest === undefined) {
    const files = await expandGlob(uris, options);
    const common = folder?.path ?? commonFolder(files);
    const parts = files.map((file) => toPart(file, common));
    return { parts, folder, absent: [], extra: [] };
  }
  const dataset = await listed(folder, manifest, options);
  if (options.lenient !== true) checkListed(dataset, folder, options.lenient !== 'sizes');
  return dataset;
}

function callOf({ signal }: CallOptions): CallOptions {
  return { signal };
}

async function folderOf(uri: string, options: ResolveOptions): Promise<Location | undefined> {
  const location = resolveUri(uri, options);
  // What a stopped job left of a pattern's name need not be looked for.
  const look = mayBePattern(location.path) ? statIfThere : findPath;
  const stat = await look(location.fs, location.path, callOf(options));
  return stat?.type === 'folder' ? location : undefined;
}

function toPart({ fs, path, size, mtimeMs }: FoundFile, folder: string): DatasetPart {
  return { fs, path, name: path.slice(folder === '/' ? 1 : folder.length + 1), bytes: size, mtimeMs };
}

/** The deepest folder that holds all files, which may lie in different file systems. */
function commonFolder(files: readonly Location[]): string {
  let common = parentPath(files[0]!.path);
  for (const { path } of files) {
    while (common !== '/' && !path.startsWith(`${common}/`)) common = parentPath(common);
  }
  return common;
}

/** Looks at the folders of the manifest's parts, each once. */
async function listed({ fs, path }: Location, manifest: Manifest, options: CallOptions): Promise<ResolvedDataset> {
  const folders = new Set([path, ...manifest.parts.map((part) => parentPath(joinPath(path, part.path)))]);
  const found = new Map<string, FileStat>();
  for (const folder of folders) for (const file of await visibleFiles(fs, folder, options)) found.set(file.path, file);
  const parts: DatasetPart[] = [];
  const absent: ManifestPart[] = [];
  for (const part of manifest.parts) {
    const file = found.get(joinPath(path, part.path));
    found.delete(joinPath(path, part.path));
    if (file === undefined) absent.push(part);
    else parts.push({ ...toPart({ fs, ...file }, path), listed: part });
  }
  const extra = [...found.values()]
    .map((file) => toPart({ fs, ...file }, path))
    .sort((a, b) => compareBytes(a.path, b.path));
  return { parts, folder: { fs, path }, manifest, absent, extra };
}

async function visibleFiles(fs: FileSystem, folder: string, options: CallOptions): Promise<FileStat[]> {
  const files: FileStat[] = [];
  try {
    for await (const stat of fs.list(folder, callOf(options))) {
      if (stat.type === 'file' && !isHidden(baseName(stat.path))) files.push(stat);
    }
  } catch (error) {
    if (!isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) throw error;
  }
  return files;
}

function checkListed({ parts, absent, extra }: ResolvedDataset, { path }: Location, sizes: boolean): void {
  const resized = sizes ? parts.find((part) => part.bytes !== part.listed!.bytes) : undefined;
  const what =
    absent.length > 0
      ? `${absent[0]!.path} is missing`
      : extra.length > 0
        ? `${extra[0]!.name} is not in the manifest`
        : resized !== undefined
          ? `${resized.name} has ${resized.bytes} bytes, the manifest says ${resized.listed!.bytes}`
          : undefined;
  if (what === undefined) return;
  throw new ShardfeedError(
    'SHARDFEED_STALE',
    `${path} is not what its manifest says: ${what}; \`shardfeed verify\` tells more, name the files to read them as they are`,
    { path },
  );
}
