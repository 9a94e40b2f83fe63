import { unmaskCrc } from '../../records/crc32c.js';
import { FRAME_BYTES } from '../../records/framing.js';

export interface Records {
  /** Whole framed records, back to back. */
  readonly bytes: Uint8Array;
  /** Pairs: payload length, unmasked CRC32C of the payload. */
  readonly meta: Uint32Array;
}

/** Records that go to one place, in order. */
export interface RecordsRun extends Records {
  /** Part, or bucket of the spool. */
  readonly target: number;
}

/** How many framed bytes the records [from, to) of `meta` take. */
export function framedBytes(meta: Uint32Array, from: number, to: number): number {
  let bytes = (to - from) * FRAME_BYTES;
  for (let i = from; i < to; i++) bytes += meta[2 * i]!;
  return bytes;
}

/** The records [from, to) of a stream. */
export async function* sliceRecords(
  stream: AsyncIterable<Records>,
  from: number,
  to = Number.POSITIVE_INFINITY,
): AsyncGenerator<Records> {
  let first = 0;
  for await (const { bytes, meta } of stream) {
    const count = meta.length / 2;
    const begin = Math.max(0, from - first);
    const end = Math.min(count, to - first);
    if (begin < end) {
      const at = framedBytes(meta, 0, begin);
      const length = framedBytes(meta, begin, end);
      yield { bytes: bytes.subarray(at, at + length), meta: meta.subarray(2 * begin, 2 * end) };
    }
    first += count;
    if (first >= to) return;
  }
}

/** Reads lengths and CRCs back from framed records that this process wrote: nothing is checked. */
export function metaOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let records = 0;
  for (let at = 0; at < bytes.length; at += FRAME_BYTES + view.getUint32(at, true)) records++;
  const meta = new Uint32Array(2 * records);
  for (let i = 0, at = 0; i < records; i++) {
    const length = view.getUint32(at, true);
    meta[2 * i] = length;
    meta[2 * i + 1] = unmaskCrc(view.getUint32(at + 12 + length, true));
    at += FRAME_BYTES + length;
  }
  return meta;
}

/**
 * Sorts records by target, keeping the order within a target: a counting sort of `bytes` and `meta`.
 * @param targets one entry a record, each below `count`
 * @param room memory for the sorted bytes, used where it is large enough
 */
export function groupByTarget(
  bytes: Uint8Array,
  meta: Uint32Array,
  targets: Uint32Array,
  count: number,
  room?: ArrayBufferLike,
): RecordsRun[] {
  const records = targets.length;
  const sizes = new Float64Array(count);
  const counts = new Uint32Array(count);
  for (let i = 0; i < records; i++) {
    const t = targets[i]!;
    sizes[t]! += meta[2 * i]! + FRAME_BYTES;
    counts[t]!++;
  }
  const out = bytesIn(room, bytes.length);
  const outMeta = new Uint32Array(meta.length);
  const runs: RecordsRun[] = [];
  const at = new Float64Array(count);
  const metaAt = new Uint32Array(count);
  let byteTop = 0;
  let metaTop = 0;
  for (let t = 0; t < count; t++) {
    at[t] = byteTop;
    metaAt[t] = metaTop;
    if (counts[t]! > 0) {
      const run = out.subarray(byteTop, byteTop + sizes[t]!);
      runs.push({ target: t, bytes: run, meta: outMeta.subarray(metaTop, metaTop + 2 * counts[t]!) });
    }
    byteTop += sizes[t]!;
    metaTop += 2 * counts[t]!;
  }
  let from = 0;
  for (let i = 0; i < records; i++) {
    const t = targets[i]!;
    const length = meta[2 * i]! + FRAME_BYTES;
    copyRecord(bytes, from, from + length, out, at[t]!);
    outMeta[metaAt[t]!] = meta[2 * i]!;
    outMeta[metaAt[t]! + 1] = meta[2 * i + 1]!;
    at[t]! += length;
    metaAt[t]! += 2;
    from += length;
  }
  return runs;
}

/** Copies records to the places that `order` gives them: record i of the result is record order[i]. */
export function reorder(
  bytes: Uint8Array,
  meta: Uint32Array,
  order: Uint32Array,
  room?: ArrayBufferLike,
): { bytes: Uint8Array; meta: Uint32Array } {
  const records = order.length;
  const starts = new Uint32Array(records + 1);
  for (let i = 0; i < records; i++) starts[i + 1] = starts[i]! + meta[2 * i]! + FRAME_BYTES;
  const out = bytesIn(room, bytes.length);
  const outMeta = new Uint32Array(meta.length);
  let to = 0;
  for (let i = 0; i < records; i++) {
    const r = order[i]!;
    copyRecord(bytes, starts[r]!, starts[r + 1]!, out, to);
    outMeta[2 * i] = meta[2 * r]!;
    outMeta[2 * i + 1] = meta[2 * r + 1]!;
    to += starts[r + 1]! - starts[r]!;
  }
  return { bytes: out, meta: outMeta };
}

/** `length` bytes in `room` where it is large enough, else in new memory. */
export function bytesIn(room: ArrayBufferLike | undefined, length: number): Uint8Array {
  return room !== undefined && room.byteLength >= length ? new Uint8Array(room, 0, length) : new Uint8Array(length);
}

/** `subarray` costs about 60 ns, so short records are copied byte by byte. */
function copyRecord(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > 64) target.set(source.subarray(from, to), at);
  else for (let i = from; i < to; i++) target[at + i - from] = source[i]!;
}
