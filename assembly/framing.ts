// TFRecord framing (tensorflow/core/lib/io/record_writer.h): u64 length, u32 masked CRC of the length, payload, u32
// masked CRC of the payload, all little endian. src/records/framing.ts is the twin.
import { crc32cStep1, crc32cStep8, maskCrc } from './crc32c';
import { crc32cLong, MIN_FOLD } from './crc32c-fold';
import { crc32cFolded, crc32cLanes } from './crc32c-lanes';

export const FRAME_HEADER: u32 = 12;
export const FRAME_BYTES: u32 = 16; // what framing adds to a payload

const WALK_OK: u32 = 0; // as many records as were asked for, or the end exactly behind a record
const WALK_SHORT_HEADER: u32 = 1; // the end inside a header
const WALK_SHORT_PAYLOAD: u32 = 2; // a good header, the end inside its payload or the CRC behind it
const WALK_BAD_HEADER: u32 = 3;
const WALK_BAD_PAYLOAD: u32 = 4; // a good header, the payload's CRC does not match
const WALK_TOO_LARGE: u32 = 5; // a good header with a length above the limit

// The state: u32 status, u32 address of the record that it speaks of (or of the next record)
const WALK_STATUS: usize = 0;
const WALK_POSITION: usize = 4;

/** Records whose payloads are checked together. */
export const GROUP: u32 = 16;

/** What bytes 2 to 7 of a length below 65536, all zero, add to its CRC. */
let shortHeader: u32 = 0;

// @ts-ignore: decorator
@inline
function headerCrc(p: usize): u32 {
  return ~crc32cStep8(0xffffffff, p);
}

/** Whether the CRC of the header at p is right. Of a length below 65536 only two bytes need looking up. */
// @ts-ignore: decorator
@inline
function headerIsGood(p: usize, length: u64): bool {
  if (length > 0xffff) return maskCrc(headerCrc(p)) == load<u32>(p, 8);
  const a = (length as u32) ^ 0xffff;
  const crc = load<u32>((a & 255) << 2, 7168) ^ load<u32>((a >>> 8) << 2, 6144) ^ shortHeader;
  return maskCrc(crc) == load<u32>(p, 8);
}

// @ts-ignore: decorator
@inline
function finishCrc(c: u32, p: usize, end: usize): u32 {
  while (p + 8 <= end) {
    c = crc32cStep8(c, p);
    p += 8;
  }
  while (p < end) c = crc32cStep1(c, p++);
  return ~c;
}

/** CRCs of payloads, in the fastest way for their number and lengths. */
export function groupCrcs(base: usize, offsets: usize, lengths: usize, count: u32, crcs: usize): void {
  if (
    count > 4 &&
    (crc32cFolded(base, offsets, lengths, count, crcs) || crc32cLanes(base, offsets, lengths, count, crcs))
  ) {
    return;
  }
  let i: usize = 0;
  while (i < (count as usize)) {
    const at = i << 2;
    const pa = base + load<u32>(offsets + at);
    const la = load<u32>(lengths + at) as usize;
    if (la >= (MIN_FOLD as usize)) {
      store<u32>(crcs + at, crc32cLong(pa, la as u32));
      i++;
      continue;
    }
    if (i + 3 > (count as usize)) {
      store<u32>(crcs + at, finishCrc(0xffffffff, pa, pa + la));
      i++;
      continue;
    }
    // Three in step hide the latency of the table look-ups.
    const pb = base + load<u32>(offsets + at, 4);
    const lb = load<u32>(lengths + at, 4) as usize;
    const pc = base + load<u32>(offsets + at, 8);
    const lc = load<u32>(lengths + at, 8) as usize;
    let a: u32 = 0xffffffff;
    let b: u32 = 0xffffffff;
    let c: u32 = 0xffffffff;
    const common = min(la, min(lb, lc)) & ~7;
    for (let k: usize = 0; k < common; k += 8) {
      a = crc32cStep8(a, pa + k);
      b = crc32cStep8(b, pb + k);
      c = crc32cStep8(c, pc + k);
    }
    store<u32>(crcs + at, finishCrc(a, pa + common, pa + la));
    store<u32>(crcs + at, finishCrc(b, pb + common, pb + lb), 4);
    store<u32>(crcs + at, finishCrc(c, pc + common, pc + lc), 8);
    i += 3;
  }
}

/**
 * Walks whole records in [p, end), at most `capacity` of them, none that begins at or behind `soft`, and verifies both
 * CRCs (`checkPayload` 0: only the header's). Record i's payload begins at base + out[i], is out[capacity + i] bytes
 * long and has the unmasked CRC out[2 * capacity + i]. Returns the number of records and says in `state` why it ended.
 */
export function walkRecords(
  p: usize,
  end: usize,
  soft: usize,
  base: usize,
  out: usize,
  capacity: u32,
  maxLength: u32,
  checkPayload: u32,
  state: usize,
): u32 {
  const lengths = out + ((capacity as usize) << 2);
  const crcs = lengths + ((capacity as usize) << 2);
  if (shortHeader == 0) shortHeader = ~(load<u32>(255 << 2, 5120) ^ load<u32>(255 << 2, 4096));
  let count: u32 = 0;
  let status: u32 = WALK_OK;
  while (status == WALK_OK && count < capacity && p < soft) {
    // First the headers of a group, each of which says where the next one is; then the payloads.
    const last = min(capacity, count + GROUP);
    let next = count;
    while (next < last && p < soft) {
      const left = end - p;
      if (left < (FRAME_HEADER as usize)) {
        status = left > 0 ? WALK_SHORT_HEADER : WALK_OK;
        break;
      }
      const length = load<u64>(p);
      if (!headerIsGood(p, length)) {
        status = WALK_BAD_HEADER;
        break;
      }
      if (length > (maxLength as u64)) {
        status = WALK_TOO_LARGE;
        break;
      }
      if (length + (FRAME_BYTES as u64) > (left as u64)) {
        status = WALK_SHORT_PAYLOAD;
        break;
      }
      const at = (next as usize) << 2;
      store<u32>(out + at, (p + FRAME_HEADER - base) as u32);
      store<u32>(lengths + at, length as u32);
      p += FRAME_BYTES + (length as usize);
      next++;
    }
    if (next == count) break;
    if (checkPayload != 0) {
      const at = (count as usize) << 2;
      groupCrcs(base, out + at, lengths + at, next - count, crcs + at);
      for (; count < next; count++) {
        const at = (count as usize) << 2;
        const payload = base + load<u32>(out + at);
        if (maskCrc(load<u32>(crcs + at)) == load<u32>(payload + load<u32>(lengths + at))) continue;
        status = WALK_BAD_PAYLOAD;
        p = payload - FRAME_HEADER;
        break;
      }
    }
    count = status == WALK_BAD_PAYLOAD ? count : next;
  }
  store<u32>(state, status, WALK_STATUS);
  store<u32>(state, p as u32, WALK_POSITION);
  return count;
}

/** The first address in [p, end - 12] where a header with a good CRC and a length up to `maxLength` stands, else end. */
export function findHeader(p: usize, end: usize, maxLength: u32): usize {
  for (; p + FRAME_HEADER <= end; p++) {
    if (load<u64>(p) <= (maxLength as u64) && maskCrc(headerCrc(p)) == load<u32>(p, 8)) return p;
  }
  return end;
}
