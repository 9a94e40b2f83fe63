// TFRecord framing (tensorflow/core/lib/io/record_writer.h): u64 length, u32 masked CRC of the length, payload, u32
// masked CRC of the payload, all little endian. src/records/framing.ts is the twin.
import { crc32cStep1, crc32cStep8, maskCrc } from './crc32c';

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

// @ts-ignore: decorator
@inline
function headerCrc(p: usize): u32 {
  return ~crc32cStep8(0xffffffff, p);
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

// @ts-ignore: decorator
@inline
function headerIsGood(p: usize, end: usize, maxLength: u32): bool {
  if (end - p < (FRAME_BYTES as usize)) return false;
  const length = load<u64>(p);
  return (
    length <= (maxLength as u64) &&
    length <= ((end - p - FRAME_BYTES) as u64) &&
    maskCrc(headerCrc(p)) == load<u32>(p, 8)
  );
}

/**
 * Walks whole records in [p, end), at most `capacity` of them, none that begins at or behind `soft`, and verifies both
 * CRCs (`checkPayload` 0: only the header's). Record i's payload begins at base + out[i], is out[capacity + i] bytes
 * long and has the unmasked CRC out[2 * capacity + i]. Returns the number of records and says in `state` why it ended.
 * Three records at a time are checked in step, which hides the latency of the table look-ups.
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
  let count: u32 = 0;
  let status: u32 = WALK_OK;
  while (count < capacity && p < soft) {
    const left = end - p;
    if (left < (FRAME_HEADER as usize)) {
      if (left > 0) status = WALK_SHORT_HEADER;
      break;
    }
    const length = load<u64>(p);
    if (maskCrc(headerCrc(p)) != load<u32>(p, 8)) {
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
    const la = length as usize;
    const pa = p + FRAME_HEADER;
    if (checkPayload == 0) {
      store<u32>(out + ((count as usize) << 2), (pa - base) as u32);
      store<u32>(lengths + ((count as usize) << 2), la as u32);
      p = pa + la + 4;
      count++;
      continue;
    }
    const q = pa + la + 4;
    if (count + 3 <= capacity && q < soft && headerIsGood(q, end, maxLength)) {
      const lb = load<u32>(q) as usize;
      const pb = q + FRAME_HEADER;
      const r = pb + lb + 4;
      if (r < soft && headerIsGood(r, end, maxLength)) {
        const lc = load<u32>(r) as usize;
        const pc = r + FRAME_HEADER;
        let a: u32 = 0xffffffff;
        let b: u32 = 0xffffffff;
        let c: u32 = 0xffffffff;
        const common = min(la, min(lb, lc)) & ~7;
        for (let i: usize = 0; i < common; i += 8) {
          a = crc32cStep8(a, pa + i);
          b = crc32cStep8(b, pb + i);
          c = crc32cStep8(c, pc + i);
        }
        a = finishCrc(a, pa + common, pa + la);
        b = finishCrc(b, pb + common, pb + lb);
        c = finishCrc(c, pc + common, pc + lc);
        const at = (count as usize) << 2;
        if (maskCrc(a) == load<u32>(pa + la) && maskCrc(b) == load<u32>(pb + lb) && maskCrc(c) == load<u32>(pc + lc)) {
          store<u32>(out + at, (pa - base) as u32);
          store<u32>(out + at, (pb - base) as u32, 4);
          store<u32>(out + at, (pc - base) as u32, 8);
          store<u32>(lengths + at, la as u32);
          store<u32>(lengths + at, lb as u32, 4);
          store<u32>(lengths + at, lc as u32, 8);
          store<u32>(crcs + at, a);
          store<u32>(crcs + at, b, 4);
          store<u32>(crcs + at, c, 8);
          count += 3;
          p = pc + lc + 4;
          continue;
        }
      }
    }
    const crc = finishCrc(0xffffffff, pa, pa + la);
    if (maskCrc(crc) != load<u32>(pa + la)) {
      status = WALK_BAD_PAYLOAD;
      break;
    }
    store<u32>(out + ((count as usize) << 2), (pa - base) as u32);
    store<u32>(lengths + ((count as usize) << 2), la as u32);
    store<u32>(crcs + ((count as usize) << 2), crc);
    count++;
    p = q;
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
