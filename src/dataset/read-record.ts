import { ShardfeedError } from '../errors.js';
import { type CallOptions, displayPath, openSource } from '../files/index.js';
import { readHeader } from '../records/framing.js';
import { FRAME_BYTES, HEADER_BYTES, isGap, maskedCrc32c } from '../records/index.js';
import type { CatalogPart } from './catalog.js';
import { checkUnchanged } from './check-unchanged.js';
import type { PartOffsets } from './part-offsets.js';
import { readWhole } from './read-whole.js';

/**
 * The payload of one record, verified and read alone: by one range of a plain part, from the member that holds it of a gzip part
 * with an index, and from its start of any other. A header with a wrong checksum does no harm where it leads to a good payload.
 * @throws SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED, SHARDFEED_CORRUPT_STREAM; SHARDFEED_CHANGED, SHARDFEED_NOT_FOUND where the
 * part is not what it was
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
  const fail = (code: 'SHARDFEED_CORRUPT_RECORD' | 'SHARDFEED_TRUNCATED', what: string): ShardfeedError =>
    new ShardfeedError(code, `${what} at byte ${offset}, record ${record} of ${path}`, { path, offset, record });
  if (offsets.lost?.has(record)) throw fail('SHARDFEED_CORRUPT_RECORD', 'a record is lost in damaged bytes');
  try {
    const bytes = await readRange(part, offsets, { ...options, start: offset, end });
    if (bytes.length < end - offset) throw fail('SHARDFEED_TRUNCATED', 'the file ends inside a record');
    const payload = bytes.subarray(HEADER_BYTES, bytes.length - FOOTER_BYTES);
    const stored = new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES + payload.length).getUint32(0, true);
    if (readHeader(bytes, 0).length === payload.length && maskedCrc32c(payload) === stored) return payload;
    throw fail('SHARDFEED_CORRUPT_RECORD', 'the checksum of a record does not match');
  } finally {
    // Where the file was changed, that explains all else.
    await checkUnchanged(part, options);
  }
}

const FOOTER_BYTES = FRAME_BYTES - HEADER_BYTES;

/** Bytes [start, end) of the uncompressed part; what damage cost counts as far as that is known. */
async function readRange(
  part: CatalogPart,
  { memberTable, lost }: PartOffsets,
  { start, end, signal }: CallOptions & { start: number; end: number },
): Promise<Uint8Array> {
  const { compression: codec } = part;
  if (codec === 'none') return readWhole(part, { start, end, signal });
  const member = memberTable?.members.findLast(({ offset }) => offset <= start) ?? { stored: 0, offset: 0 };
  const damage = lost === undefined ? 'error' : 'gap';
  const bytes = new Uint8Array(end - start);
  let at = member.offset;
  for await (const chunk of openSource(part, { codec, damage, start: member.stored, signal })) {
    if (isGap(chunk)) at += chunk.lostBytes ?? 0;
    else {
      if (at + chunk.length > start) {
        bytes.set(chunk.subarray(Math.max(0, start - at), end - at), Math.max(0, at - start));
      }
      at += chunk.length;
    }
    if (at >= end) return bytes;
  }
  return bytes.subarray(0, Math.max(0, at - start));
}
