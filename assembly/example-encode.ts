// Columns to framed Example records: the bytes that TensorFlow's deterministic serialisation gives (packed lists), with
// the features in the order of the columns. What does not change from row to row (tags, key, most lengths) lies ready in
// a template for each column; a row adds its lengths to it and appends its values.
import {
  C_KEY,
  C_KEY_LEN,
  C_KIND,
  C_OFFSETS,
  C_VALIDITY,
  C_VALUES,
  C_WIDTH,
  COLUMN_BYTES,
  firstValue,
  KIND_BYTES,
  KIND_FLOAT,
  KIND_INT64,
  RAGGED,
} from './column';
import { crc32cStep8, maskCrc } from './crc32c';
import { GROUP, groupCrcs } from './framing';

// One column of the plan, u32 fields; src/records/example-encode.ts makes room, exampleTemplates fills it
export const ENCODE_BYTES: u32 = 288;
const E_OP: usize = 0;
const E_COLUMN: usize = 4;
const E_PREFIX: usize = 8; // bytes of the template in use
const E_LIMIT: usize = 12; // OP_INT, OP_BYTES: the most bytes of value for which all lengths in the template fit one byte
const E_SIZE: usize = 16; // OP_FIXED: bytes of values in a row
const E_VALIDITY: usize = 20; // taken from the column at the start of a call
const E_VALUES: usize = 24;
const E_OFFSETS: usize = 28;
const E_TEMPLATE: usize = 32; // TEMPLATE_BYTES
const E_MASK: usize = 160; // 255 where a byte of the template is a length that grows with the value
const TEMPLATE_BYTES: u32 = 128;

const OP_FIXED: u32 = 0; // floats of a fixed shape: nothing but the values changes
const OP_INT: u32 = 1; // one int64
const OP_BYTES: u32 = 2; // one byte string
const OP_GENERAL: u32 = 3;

/** How many bytes the varint of v takes. */
// @ts-ignore: decorator
@inline
export function varintBytes(v: u64): u32 {
  return (((64 - (clz(v | 1) as u32)) * 9 + 64) >>> 6) as u32;
}

// @ts-ignore: decorator
@inline
export function putVarint(to: usize, v: u64): usize {
  while (v > 127) {
    store<u8>(to++, ((v as u32) & 127) | 128);
    v >>= 7;
  }
  store<u8>(to++, v as u8);
  return to;
}

/** Tag of a Feature's list: bytes_list 1, float_list 2, int64_list 3. */
// @ts-ignore: decorator
@inline
function listTag(kind: u32): u32 {
  return kind == KIND_BYTES ? 0x0a : kind == KIND_FLOAT ? 0x12 : 0x1a;
}

/** Everything of a map entry before a list of `list` bytes. */
function putEntry(to: usize, column: usize, list: u32): usize {
  const keyLength = load<u32>(column, C_KEY_LEN);
  const feature = 1 + varintBytes(list) + list;
  const entry = 1 + varintBytes(keyLength) + keyLength + 1 + varintBytes(feature) + feature;
  store<u8>(to++, 0x0a);
  to = putVarint(to, entry);
  store<u8>(to++, 0x0a);
  to = putVarint(to, keyLength);
  memory.copy(to, load<u32>(column, C_KEY), keyLength);
  to += keyLength;
  store<u8>(to++, 0x12);
  to = putVarint(to, feature);
  store<u8>(to++, listTag(load<u32>(column, C_KIND)) as u8);
  return putVarint(to, list);
}

/** Everything of a map entry before `values` bytes of packed numbers, or of the one byte string of a list. */
function putPrefix(to: usize, column: usize, values: u32): usize {
  to = putEntry(to, column, 1 + varintBytes(values) + values);
  store<u8>(to++, 0x0a);
  return putVarint(to, values);
}

/** Fills the plan: ENCODE_BYTES for each of `count` columns. */
export function exampleTemplates(columns: usize, count: u32, plan: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + i * COLUMN_BYTES;
    const p = plan + i * ENCODE_BYTES;
    const width = load<u32>(column, C_WIDTH);
    const kind = load<u32>(column, C_KIND);
    const keyLength = load<u32>(column, C_KEY_LEN);
    memory.fill(p, 0, ENCODE_BYTES);
    store<u32>(p, column as u32, E_COLUMN);
    store<u32>(p, OP_GENERAL, E_OP);
    if (keyLength > 96) continue;
    const template = p + E_TEMPLATE;
    if (kind == KIND_FLOAT && width != RAGGED) {
      store<u32>(p, OP_FIXED, E_OP);
      store<u32>(p, 4 * width, E_SIZE);
      store<u32>(p, (putPrefix(template, column, 4 * width) - template) as u32, E_PREFIX);
    } else if (kind != KIND_FLOAT && width == 1) {
      store<u32>(p, kind == KIND_INT64 ? OP_INT : OP_BYTES, E_OP);
      const end = putPrefix(template, column, 0);
      store<u32>(p, (end - template) as u32, E_PREFIX);
      // entry length, feature length, list length, value length: all grow by the bytes of the value
      store<u8>(p + E_MASK + 1, 255);
      store<u8>(p + E_MASK + (end - template) - 5, 255);
      store<u8>(p + E_MASK + (end - template) - 3, 255);
      store<u8>(p + E_MASK + (end - template) - 1, 255);
      store<u32>(p, 127 - load<u8>(template, 1), E_LIMIT);
    }
  }
}

/** An upper bound of the bytes that encodeExamples writes for these rows, slack for vectors included; saturates. */
export function exampleBound(count: u32, plan: usize, rows: u32): u32 {
  let bytes: u64 = 256 + (rows as u64) * (16 + 6);
  for (let i: u32 = 0; i < count; i++, plan += ENCODE_BYTES) {
    const column = load<u32>(plan, E_COLUMN) as usize;
    const kind = load<u32>(column, C_KIND);
    bytes += (rows as u64) * (load<u32>(column, C_KEY_LEN) + 6 * 6);
    const values = firstValue(column, rows) as u64;
    if (kind == KIND_BYTES) {
      bytes += 6 * values;
      bytes += load<u32>((load<u32>(column, C_OFFSETS) as usize) + ((values as usize) << 2));
    } else bytes += (kind == KIND_FLOAT ? 4 : 10) * values;
  }
  return (bytes > 0xffffffff ? 0xffffffff : bytes) as u32;
}

/** A map entry of any form. */
function putGeneral(to: usize, plan: usize, row: u32): usize {
  const column = load<u32>(plan, E_COLUMN) as usize;
  const kind = load<u32>(column, C_KIND);
  const from = firstValue(column, row);
  const end = firstValue(column, row + 1);
  const values = load<u32>(column, C_VALUES) as usize;
  const offsets = load<u32>(column, C_OFFSETS) as usize;
  let packed: u32 = 0;
  if (kind == KIND_FLOAT) packed = 4 * (end - from);
  else if (kind == KIND_INT64) {
    for (let k = from; k < end; k++) packed += varintBytes(load<u64>(values + ((k as usize) << 3)));
  } else {
    for (let k = from; k < end; k++) {
      const at = offsets + ((k as usize) << 2);
      const length = load<u32>(at, 4) - load<u32>(at);
      packed += 1 + varintBytes(length) + length;
    }
  }
  const list = kind == KIND_BYTES || packed == 0 ? packed : 1 + varintBytes(packed) + packed;
  to = putEntry(to, column, list);
  if (packed == 0) return to;
  if (kind == KIND_BYTES) {
    for (let k = from; k < end; k++) {
      const at = offsets + ((k as usize) << 2);
      const length = load<u32>(at, 4) - load<u32>(at);
      store<u8>(to++, 0x0a);
      to = putVarint(to, length);
      memory.copy(to, values + load<u32>(at), length);
      to += length;
    }
    return to;
  }
  store<u8>(to++, 0x0a);
  to = putVarint(to, packed);
  if (kind == KIND_FLOAT) {
    memory.copy(to, values + ((from as usize) << 2), packed);
    return to + packed;
  }
  for (let k = from; k < end; k++) to = putVarint(to, load<u64>(values + ((k as usize) << 3)));
  return to;
}

/** Copies the template and adds n to its lengths. */
// @ts-ignore: decorator
@inline
function putTemplate(to: usize, plan: usize, n: u32): usize {
  const prefix = load<u32>(plan, E_PREFIX) as usize;
  const add = i8x16.splat(n as i8);
  v128.store(to, i8x16.add(v128.load(plan, E_TEMPLATE), v128.and(v128.load(plan, E_MASK), add)));
  for (let i: usize = 16; i < prefix; i += 16) {
    v128.store(
      to + i,
      i8x16.add(v128.load(plan + i, E_TEMPLATE), v128.and(v128.load(plan + i, E_MASK), add)),
    );
  }
  return to + prefix;
}

/**
 * Encodes rows 0 .. rows - 1 into framed records at `out`, which must have exampleBound bytes, and returns where they end.
 * `meta` gets two u32 a record: payload length and the payload's CRC32C, unmasked. With `payloadCrc` 0 the payload's CRC is
 * left to the caller, in the record and in `meta`.
 */
export function encodeExamples(
  count: u32,
  plan: usize,
  rows: u32,
  out: usize,
  meta: usize,
  payloadCrc: u32,
): usize {
  const planEnd = plan + count * ENCODE_BYTES;
  for (let p = plan; p < planEnd; p += ENCODE_BYTES) {
    const column = load<u32>(p, E_COLUMN) as usize;
    store<u32>(p, load<u32>(column, C_VALIDITY), E_VALIDITY);
    store<u32>(p, load<u32>(column, C_VALUES), E_VALUES);
    store<u32>(p, load<u32>(column, C_OFFSETS), E_OFFSETS);
  }
  let lengthBytes: u32 = 2; // of the one length in an Example that is not known beforehand; as in the last record
  let waiting: u32 = 0; // records whose CRCs are still to be made
  for (let row: u32 = 0; row < rows; row++) {
    const body = out + 13 + lengthBytes;
    let to = body;
    for (let p = plan; p < planEnd; p += ENCODE_BYTES) {
      if (load<u8>((load<u32>(p, E_VALIDITY) as usize) + row) == 0) continue;
      switch (load<u32>(p, E_OP)) {
        case OP_FIXED: {
          to = putTemplate(to, p, 0);
          const size = load<u32>(p, E_SIZE);
          const from = (load<u32>(p, E_VALUES) as usize) + row * size;
          if (size == 4) store<u32>(to, load<u32>(from));
          else memory.copy(to, from, size);
          to += size;
          break;
        }
        case OP_INT: {
          const value = load<u64>((load<u32>(p, E_VALUES) as usize) + ((row as usize) << 3));
          if (value < 128) {
            to = putTemplate(to, p, 1);
            store<u8>(to++, value as u8);
            break;
          }
          const n = varintBytes(value);
          if (n > load<u32>(p, E_LIMIT)) to = putGeneral(to, p, row);
          else to = putVarint(putTemplate(to, p, n), value);
          break;
        }
        case OP_BYTES: {
          const offsets = (load<u32>(p, E_OFFSETS) as usize) + ((row as usize) << 2);
          const at = load<u32>(offsets);
          const length = load<u32>(offsets, 4) - at;
          if (length > load<u32>(p, E_LIMIT)) {
            to = putGeneral(to, p, row);
            break;
          }
          to = putTemplate(to, p, length);
          const from = (load<u32>(p, E_VALUES) as usize) + at;
          for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
          to += length;
          break;
        }
        default:
          to = putGeneral(to, p, row);
      }
    }
    const features = (to - body) as u32;
    const wanted = varintBytes(features);
    if (wanted != lengthBytes) {
      memory.copy(out + 13 + wanted, body, features);
      to = to + wanted - lengthBytes;
      lengthBytes = wanted;
    }
    store<u8>(out + 12, 0x0a);
    putVarint(out + 13, features);
    const length = (to - out - 12) as u32;
    store<u64>(out, length);
    store<u32>(meta, length);
    meta += 8;
    store<u32>(out, maskCrc(~crc32cStep8(-1, out)), 8);
    if (payloadCrc) {
      const at = (waiting as usize) << 2;
      store<u32>(OFFSETS + at, (out + 12) as u32);
      store<u32>(LENGTHS + at, length);
      if (++waiting == GROUP) {
        putCrcs(waiting, meta);
        waiting = 0;
      }
    }
    out = to + 4;
  }
  putCrcs(waiting, meta);
  return out;
}

// What groupCrcs takes and gives
const OFFSETS: usize = memory.data(64, 16);
const LENGTHS: usize = memory.data(64, 16);
const CRCS: usize = memory.data(64, 16);

/** Puts the payloads' CRCs of the last `count` records into them and into `meta`, which ends behind theirs. */
function putCrcs(count: u32, meta: usize): void {
  groupCrcs(0, OFFSETS, LENGTHS, count, CRCS);
  meta -= (count as usize) << 3;
  for (let i: usize = 0; i < (count as usize) << 2; i += 4) {
    const crc = load<u32>(CRCS + i);
    store<u32>(meta + (i << 1), crc, 4);
    store<u32>((load<u32>(OFFSETS + i) + load<u32>(LENGTHS + i)) as usize, maskCrc(crc));
  }
}
