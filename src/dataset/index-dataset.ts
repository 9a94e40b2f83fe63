import { ShardfeedError } from '../errors.js';
import type { CallOptions, Location, WithFiles } from '../files/index.js';
import { displayPath } from '../files/index.js';
import { fingerprintOf } from './fingerprint.js';
import { mapLimited } from './map-limited.js';
import { writeIndex } from './part-index.js';
import { RecordIndex } from './record-index.js';
import { type DatasetPart, resolveDataset } from './resolve.js';
import { type PartScan, scanPart } from './scan-part.js';

export interface IndexOptions extends WithFiles, CallOptions {}

export interface IndexedPart {
  readonly path: string;
  readonly records: number;
  /** Of the stored file. */
  readonly bytes: number;
  readonly digest: string;
  /** Where the index lies. */
  readonly index: string;
}

export interface IndexedDataset {
  readonly records: number;
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  readonly parts: readonly IndexedPart[];
}

/**
 * Makes an index of each part file beside it (`_index/<name>.idx`) by walking over the headers of its records. An index that is
 * there already is replaced.
 * @throws SHARDFEED_NOT_FOUND, SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED; SHARDFEED_STALE where the manifest lists others
 */
export async function indexDataset(
  source: string | readonly string[],
  options: IndexOptions = {},
): Promise<IndexedDataset> {
  const { parts, extra } = await resolveDataset(source, { ...options, lenient: true });
  const files = [...parts, ...extra];
  const done = await mapLimited(files, (part, _, stop) => indexPart(part, { signal: stop }), {
    bytesOf: ({ bytes }) => bytes,
    signal: options.signal,
  });
  return {
    records: done.reduce((n, part) => n + part.records, 0),
    fingerprint: fingerprintOf(done.map(({ records, digest }, i) => ({ path: files[i]!.name, records, digest }))),
    parts: done,
  };
}

async function indexPart(part: DatasetPart, call: CallOptions): Promise<IndexedPart> {
  const scan = await scanPart(part, call);
  const path = displayPath(part);
  if (part.listed !== undefined && part.listed.digest !== scan.digest) {
    const what = `${path} does not hold the records that the manifest lists; \`shardfeed verify\` tells more`;
    throw new ShardfeedError('SHARDFEED_STALE', what, { path });
  }
  const index = await writeIndex(part, scan, call);
  const { records, bytes, digest } = scan;
  return { path, records, bytes, digest, index: displayPath(index) };
}

/** The index of one file, held in memory only. @throws SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED */
export async function scanIndex(file: Location, options: CallOptions = {}): Promise<RecordIndex> {
  const { size: bytes } = await file.fs.stat(file.path, options);
  const scan: PartScan = await scanPart({ ...file, bytes }, options);
  return new RecordIndex(scan);
}
