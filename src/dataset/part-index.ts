import { isShardfeedError } from '../errors.js';
import type { CallOptions, Location } from '../files/index.js';
import { displayPath } from '../files/index.js';
import { readWhole } from './read-whole.js';
import {
  checkIndex,
  decodeIndex,
  decodeIndexHeader,
  encodeIndex,
  INDEX_HEADER_BYTES,
  type IndexHead,
  type IndexInput,
  indexLocation,
  type RecordIndex,
} from './record-index.js';
import type { DatasetPart } from './resolve.js';
import { writeWhole } from './write-records.js';

const MAX_BYTES = 2 ** 31;

/**
 * The head of a part's index, read by one small range; undefined where there is no index.
 * @throws SHARDFEED_STALE where it belongs to other bytes, SHARDFEED_MANIFEST where it is damaged
 */
export async function readIndexHeader(part: DatasetPart, options: CallOptions = {}): Promise<IndexHead | undefined> {
  const location = indexLocation(part);
  const bytes = await readIfThere(location, { ...options, end: INDEX_HEADER_BYTES });
  if (bytes === undefined) return undefined;
  const header = decodeIndexHeader(bytes, displayPath(location));
  checkIndex(header, { bytes: part.bytes, digest: part.listed?.digest }, displayPath(location));
  return header;
}

/**
 * A part's index; undefined where there is none. `check: false` leaves it to the caller whether it belongs to the part.
 * @throws SHARDFEED_STALE where it belongs to other bytes, SHARDFEED_MANIFEST where it is damaged
 */
export async function readIndex(
  part: DatasetPart,
  options: CallOptions & { check?: boolean } = {},
): Promise<RecordIndex | undefined> {
  const { check = true, ...call } = options;
  const location = indexLocation(part);
  const bytes = await readIfThere(location, call);
  if (bytes === undefined) return undefined;
  const index = decodeIndex(bytes, displayPath(location));
  if (check) checkIndex(index, { bytes: part.bytes, digest: part.listed?.digest }, displayPath(location));
  return index;
}

/**
 * What a reader wants of a part's index. A strict one only has it checked, as it reads nothing of a file that has
 * another size; one that passes over damage gets all of it, also where the file was cut, if the manifest vouches for it.
 * @throws SHARDFEED_STALE where it belongs to other bytes, SHARDFEED_MANIFEST where it is damaged
 */
export async function indexForReading(
  part: DatasetPart,
  options: CallOptions & { strict: boolean },
): Promise<RecordIndex | undefined> {
  const { strict, ...call } = options;
  if (strict) {
    await readIndexHeader(part, call);
    return undefined;
  }
  const index = await readIndex(part, { ...call, check: false });
  if (index === undefined || index.digest === part.listed?.digest) return index;
  checkIndex(index, { bytes: part.bytes, digest: part.listed?.digest }, displayPath(indexLocation(part)));
  return index;
}

async function readIfThere(
  location: Location,
  options: CallOptions & { end?: number },
): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(location, { ...options, limit: MAX_BYTES });
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Writes the index of a part beside it, replacing an old one. Where it lies. */
export async function writeIndex(part: Location, input: IndexInput, options: CallOptions = {}): Promise<Location> {
  const location = indexLocation(part);
  await writeWhole(location, { ...options, overwrite: true }, (file) => file.write(encodeIndex(input)));
  return location;
}
