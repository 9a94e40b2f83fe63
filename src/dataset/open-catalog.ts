import { isShardfeedError, ShardfeedError } from '../errors.js';
import {
  type CallOptions,
  compareBytes,
  displayPath,
  joinPath,
  type Location,
  parentPath,
  statIfThere,
  type WithFiles,
} from '../files/index.js';
import type { CorruptionPolicy, Schema } from '../records/index.js';
import type { ByteLru } from './byte-lru.js';
import type { Catalog, CatalogPart, CountedBy } from './catalog.js';
import { fingerprintOf } from './fingerprint.js';
import { type Manifest, type ManifestPart, readManifest } from './manifest.js';
import { mapLimited } from './map-limited.js';
import { readIndexHeader } from './part-index.js';
import type { PartOffsets } from './part-offsets.js';
import { type DatasetPart, resolveDataset } from './resolve.js';
import { sampleSchema } from './sample-records.js';
import type { ScanCache } from './scan-cache.js';
import { type ForeignOptions, scanForeign } from './scan-foreign.js';

export interface CatalogOptions extends WithFiles, CallOptions {
  /** What the records hold. Default: the manifest's schema, else what the first records of several files show. */
  schema?: Schema;
  /** What to do about corrupt records, default `'error'`: then a foreign file whose framing is damaged cannot be opened. */
  policy?: CorruptionPolicy;
  /** Records above this are corrupt. Default 256 MiB. */
  maxRecordBytes?: number;
}

export interface CatalogMemory {
  /** Keeps what scans find, beyond this process. */
  readonly cache?: ScanCache | undefined;
  /** Gets what scans find, by the number of the part. */
  readonly kept?: ByteLru<number, PartOffsets> | undefined;
}

/** Parts that are looked at or scanned at once. */
const PARTS_AT_ONCE = 16;

/**
 * Finds out what a dataset is made of. Counts come from the manifest, else from indexes, else from one scan of the files.
 * @throws SHARDFEED_NOT_FOUND; SHARDFEED_STALE where files differ from manifest or index; SHARDFEED_MANIFEST; SHARDFEED_USAGE for
 * two files of one name; SHARDFEED_UNSUPPORTED for what is no TFRecord file; SHARDFEED_SCHEMA_MISMATCH where files contradict each
 * other; SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED and SHARDFEED_CORRUPT_STREAM for damaged files without index
 */
export async function openCatalog(
  source: string | readonly string[],
  options: CatalogOptions & CatalogMemory = {},
): Promise<Catalog> {
  const { signal } = options;
  const strict = (options.policy ?? 'error') === 'error';
  const { parts: found, manifest } = await findParts(source, strict, options);
  const indexed = await foldersWithIndex(found, { signal });
  const work = async (part: DatasetPart, i: number, stop: AbortSignal): Promise<CatalogPart> => {
    const { listed } = part;
    if (listed !== undefined) return knownByManifest(part, listed, { signal: stop });
    return knownOtherwise(part, i, { ...options, strict, signal: stop, indexed: indexed.has(folderOf(part)) });
  };
  const parts = await mapLimited(found, work, { limit: PARTS_AT_ONCE, signal });
  await options.cache?.prune();
  const listed = manifest !== undefined && parts.every((part) => part.listed !== undefined);
  const whole = listed && parts.length === manifest.parts.length ? manifest : undefined;
  const facts = parts.map(({ name, records, digest }) => ({ path: name, records, digest }));
  return {
    parts,
    records: parts.reduce((n, part) => n + part.records, 0),
    fingerprint: whole?.fingerprint ?? fingerprintOf(facts),
    schema: options.schema ?? (listed ? manifest.schema : undefined) ?? (await schemaOf(parts, options)),
    countedBy: (['scan', 'index'] as const).find((by) => parts.some((part) => part.countedBy === by)) ?? 'manifest',
    statistics: whole?.statistics,
    manifest: whole,
  };
}

/** The parts in the order of their names. Files that are named one by one may be listed in the manifest beside them. */
async function findParts(
  source: string | readonly string[],
  strict: boolean,
  options: CatalogOptions,
): Promise<{ parts: readonly DatasetPart[]; manifest: Manifest | undefined }> {
  const resolved = await resolveDataset(source, { ...options, lenient: strict ? false : 'sizes' });
  const parts = [...resolved.parts].sort((a, b) => compareBytes(a.name, b.name));
  refuseDuplicates(parts);
  const [first] = parts;
  const together = parts.every(({ fs, name }) => fs === first!.fs && !name.includes('/'));
  if (resolved.folder !== undefined || first === undefined || !together) return { parts, manifest: resolved.manifest };
  const manifest = await soundManifest({ fs: first.fs, path: parentPath(first.path) }, { signal: options.signal });
  const listed = new Map(manifest?.parts.map((part) => [part.path, part]));
  const adopt = (part: DatasetPart): DatasetPart => {
    const entry = listed.get(part.name);
    return entry?.bytes === part.bytes ? { ...part, listed: entry } : part;
  };
  return { parts: parts.map(adopt), manifest };
}

/** Who names files reads them as they are, so a manifest that is damaged is passed over. */
async function soundManifest(folder: Location, call: CallOptions): Promise<Manifest | undefined> {
  try {
    return await readManifest(folder, call);
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_MANIFEST') || isShardfeedError(error, 'SHARDFEED_UNSUPPORTED'))
      return undefined;
    throw error;
  }
}

/** @throws SHARDFEED_USAGE */
function refuseDuplicates(parts: readonly DatasetPart[]): void {
  for (const [i, part] of parts.entries()) {
    const other = parts[i - 1];
    if (part.name !== other?.name) continue;
    const [one, two] = [displayPath(other), displayPath(part)];
    const what = `${one} and ${two} are both ${JSON.stringify(part.name)} in the dataset: open the file systems one by one`;
    throw new ShardfeedError('SHARDFEED_USAGE', what, { path: two });
  }
}

/** The folders of unlisted parts that hold indexes. Not to look for one of every file: that would be a request each. */
async function foldersWithIndex(parts: readonly DatasetPart[], call: CallOptions): Promise<Set<string>> {
  const folders = new Map<string, Location>();
  for (const part of parts) if (part.listed === undefined) folders.set(folderOf(part), part);
  const indexed = new Set<string>();
  await mapLimited([...folders], async ([folder, { fs, path }]) => {
    const found = await statIfThere(fs, joinPath(parentPath(path), '_index'), call);
    if (found?.type === 'folder') indexed.add(folder);
  });
  return indexed;
}

function folderOf(part: Location): string {
  return parentPath(displayPath(part));
}

async function knownByManifest(part: DatasetPart, listed: ManifestPart, call: CallOptions): Promise<CatalogPart> {
  const isGzip = listed.compression === 'gzip';
  const index = isGzip ? await readIndexHeader({ ...part, bytes: listed.bytes }, call) : undefined;
  return known(part, listed, index?.members, 'manifest');
}

/** What is known of a part without a manifest: by its index, else a scan that was kept, else a scan. */
async function knownOtherwise(
  part: DatasetPart,
  i: number,
  options: ForeignOptions & CatalogMemory & { indexed: boolean },
): Promise<CatalogPart> {
  const { signal, cache, kept } = options;
  const index = options.indexed ? await readIndexHeader(part, { signal }) : undefined;
  if (index !== undefined) return known(part, index, index.members, 'index');
  const recalled = await cache?.header(part, { signal });
  if (recalled !== undefined) return known(part, recalled, recalled.members, 'scan');
  const scan = await scanForeign(part, options);
  kept?.set(i, scan);
  const { count: records, digest, compression, memberTable } = scan;
  return known(part, { records, digest, compression }, memberTable?.members.length, 'scan');
}

function known(
  part: DatasetPart,
  { records, digest, compression }: Pick<CatalogPart, 'records' | 'digest' | 'compression'>,
  members: number | undefined,
  countedBy: CountedBy,
): CatalogPart {
  const splittable = compression === 'none' || (members ?? 0) > 0;
  return { ...part, records, digest, compression, splittable, countedBy };
}

async function schemaOf(parts: readonly CatalogPart[], options: CatalogOptions): Promise<Schema> {
  const filled = parts.filter(({ records }) => records > 0);
  return filled.length === 0 ? { features: [] } : sampleSchema(filled, { signal: options.signal });
}
