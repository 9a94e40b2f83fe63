import { crc32c, FRAME_BYTES, Kernel } from '../records/index.js';

/** Offsets of records are summed from the nearest of these: every STRIDE-th. */
export const STRIDE = 128;
/** So many records are expanded at a time, a multiple of STRIDE: the kernel's memory stays small. */
const AT_ONCE = 1 << 20;
/** Fewer take less time than the kernel takes to be there. */
const FEW = 1 << 14;

/** What a kernel takes besides, and more. */
const KERNEL_BYTES = 128 << 10;

/** Where every STRIDE-th record of a file begins, and its last one ends. */
export interface Starts {
  readonly starts: Float64Array;
  readonly end: number;
}

/** An index's lengths: `records` of them from byte `body` on, each what it has above the least one in `unit` bytes. */
export interface PackedLengths {
  readonly body: number;
  readonly unit: number;
  readonly least: number;
  readonly records: number;
}

/** The lengths of records in the bytes of an index, where the records begin, and the CRC32C of the bytes. */
export function expandLengths(
  bytes: Uint8Array,
  packed: PackedLengths,
): Starts & { readonly lengths: Uint32Array; readonly crc: number } {
  return packed.records < FEW ? expandFew(bytes, packed) : expandMany(bytes, packed);
}

export function startsOf(lengths: Uint32Array): Starts {
  const starts = new Float64Array(Math.ceil(lengths.length / STRIDE) + 1);
  let end = 0;
  for (let i = 0; i < lengths.length; i++) {
    if (i % STRIDE === 0) starts[i / STRIDE] = end;
    end += lengths[i]! + FRAME_BYTES;
  }
  return { starts, end };
}

function expandFew(bytes: Uint8Array, { body, unit, least, records }: PackedLengths): ReturnType<typeof expandLengths> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lengths = new Uint32Array(records);
  for (let i = 0, at = body; i < records; i++, at += unit) {
    const rest =
      unit === 0 ? 0 : unit === 1 ? bytes[at]! : unit === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    lengths[i] = least + rest;
  }
  return { lengths, ...startsOf(lengths), crc: crc32c(bytes) };
}

/** As `expandFew`, of which it is the twin. */
function expandMany(
  bytes: Uint8Array,
  { body, unit, least, records }: PackedLengths,
): ReturnType<typeof expandLengths> {
  const most = Math.min(records, AT_ONCE);
  // No more than that: memory of a kernel counts for the collector, which has more to do the more there seems to be.
  const kernel = new Kernel({}, Math.max(body, most * unit) + 5 * most + KERNEL_BYTES);
  const from = kernel.alloc(Math.max(body, most * unit));
  const to = kernel.alloc(4 * most);
  const startsTo = kernel.alloc((8 * most) / STRIDE + 8);
  const lengths = new Uint32Array(records);
  const starts = new Float64Array(Math.ceil(records / STRIDE) + 1);
  const { exports, u8 } = kernel;
  const { buffer } = kernel.memory;
  u8.set(bytes.subarray(0, body), from);
  let crc = exports.crc32c!(from, body, 0);
  let end = 0;
  for (let i = 0; i < records; i += AT_ONCE) {
    const count = Math.min(AT_ONCE, records - i);
    const at = body + unit * i;
    u8.set(bytes.subarray(at, at + unit * count), from);
    crc = exports.crc32c!(from, unit * count, crc);
    end = exports.expandLengths!(from, unit, least, count, to, startsTo, STRIDE, FRAME_BYTES, end);
    lengths.set(new Uint32Array(buffer, to, count), i);
    starts.set(new Float64Array(buffer, startsTo, Math.ceil(count / STRIDE)), i / STRIDE);
  }
  return { lengths, starts, end, crc: crc >>> 0 };
}
