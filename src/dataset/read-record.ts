import { ShardfeedError } from '../errors.js';
import { type CallOptions, displayPath, openSource } from '../files/index.js';
import { Walk, walkRecords } from '../records/framing.js';
import { isGap } from '../records/index.js';
import { recordError } from '../records/record-faults.js';
import type { CatalogPart } from './catalog.js';
import { checkUnchanged } from './check-unchanged.js';
import type { PartOffsets } from './part-offsets.js';
import { readWhole } from './read-whole.js';

/**
 * The payload of one record, verified and read alone: by one range of a plain part, from the member that holds it of a gzip part
 * with an index, and from its start of any other.
 * @throws SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED, SHARDFEED_CORRUPT_STREAM; SHARDFEED_STALE where the index is wrong;
 * SHARDFEED_CHANGED, SHARDFEED_NOT_FOUND where the part is not what it was
 */
export async function readRecord(
  part: CatalogPart,
  offsets: PartOffsets,
  record: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const path = displayPath(part);
  const offset = offsets.offsetOf(record);
  const end = offsets.offsetOf(record + 1);
  const where = { path, offset, record };
  if (offsets.lost?.has(record)) {
    const what = `record ${record} of ${path} is lost: bytes ${offset} to ${end} are damaged`;
    throw new ShardfeedError('SHARDFEED_CORRUPT_RECORD', what, where);
  }
  try {
    const bytes = await readRange(part, offsets, { ...options, start: offset, end });
    const { status, position, ...found } = walkRecords(bytes, 0, { capacity: 1, maxLength: Number.POSITIVE_INFINITY });
    if (status !== Walk.OK)
      throw recordError({ status, offset, length: end - offset }, where, 0, offset + bytes.length);
    if (position === end - offset) return bytes.subarray(found.offsets[0]!, found.offsets[0]! + found.lengths[0]!);
    const what = `record ${record} of ${path} does not end where its index says: make the index anew (shardfeed index)`;
    throw new ShardfeedError('SHARDFEED_STALE', what, where);
  } finally {
    // Where the file was changed, that explains all else.
    await checkUnchanged(part, options);
  }
}

/** Bytes [start, end) of the uncompressed part. */
async function readRange(
  part: CatalogPart,
  { memberTable }: PartOffsets,
  { start, end, signal }: CallOptions & { start: number; end: number },
): Promise<Uint8Array> {
  const { compression: codec } = part;
  if (codec === 'none') return readWhole(part, { start, end, signal });
  const member = memberTable?.members.findLast(({ offset }) => offset <= start) ?? { stored: 0, offset: 0 };
  const bytes = new Uint8Array(end - start);
  let at = member.offset;
  for await (const chunk of openSource(part, { codec, start: member.stored, signal })) {
    if (isGap(chunk)) break;
    if (at + chunk.length > start)
      bytes.set(chunk.subarray(Math.max(0, start - at), end - at), Math.max(0, at - start));
    at += chunk.length;
    if (at >= end) break;
  }
  return bytes.subarray(0, Math.max(0, at - start));
}
