import type { CallOptions, WithFiles } from '../files/index.js';
import { displayPath } from '../files/index.js';
import { mapLimited } from './map-limited.js';
import { readIndexHeader } from './part-index.js';
import { type DatasetPart, type ResolvedDataset, resolveDataset } from './resolve.js';
import { scanPart } from './scan-part.js';

export interface CountOptions extends WithFiles, CallOptions {
  /** Count the records themselves, whatever manifest and index say. Default false. */
  scan?: boolean;
}

export interface PartCount {
  readonly path: string;
  readonly records: number;
  /** Of the stored file. */
  readonly bytes: number;
  /** Who said so: the manifest, the index, or the headers of the records. */
  readonly from: 'manifest' | 'index' | 'scan';
}

export interface RecordCount {
  readonly records: number;
  readonly bytes: number;
  readonly parts: readonly PartCount[];
}

/**
 * Counts records without looking into them. With a manifest or an index nothing but their sizes is read; else the headers
 * of the records, and a compressed file as a whole.
 * @throws SHARDFEED_NOT_FOUND, SHARDFEED_STALE, SHARDFEED_MANIFEST, SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED
 */
export async function countRecords(
  source: string | readonly string[],
  options: CountOptions = {},
): Promise<RecordCount> {
  const { scan = false, signal } = options;
  const dataset = await resolveDataset(source, { ...options, lenient: scan });
  const parts = await mapLimited(partsOf(dataset), (part, _, stop) => countPart(part, scan, { signal: stop }), {
    bytesOf: ({ bytes, listed }) => (scan || listed === undefined ? bytes : 0),
    signal,
  });
  return {
    records: parts.reduce((n, part) => n + part.records, 0),
    bytes: parts.reduce((n, part) => n + part.bytes, 0),
    parts,
  };
}

function partsOf({ parts, extra }: ResolvedDataset): readonly DatasetPart[] {
  return [...parts, ...extra];
}

async function countPart(part: DatasetPart, scan: boolean, call: CallOptions): Promise<PartCount> {
  const { bytes, listed } = part;
  const path = displayPath(part);
  if (!scan && listed !== undefined) return { path, records: listed.records, bytes, from: 'manifest' };
  const index = scan ? undefined : await readIndexHeader(part, call);
  if (index !== undefined) return { path, records: index.records, bytes, from: 'index' };
  return { path, records: (await scanPart(part, call)).records, bytes, from: 'scan' };
}
