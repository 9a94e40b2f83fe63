import { maskCrc } from './crc32c.js';
import { FRAME_BYTES, HEADER_BYTES } from './framing.js';
import type { KernelColumns } from './kernel/columns.js';

/** ENCODE_BYTES of assembly/example-encode.ts. */
const PLAN_BYTES = 288;

/** Framed records, borrowed from the kernel's memory until the next call. */
export interface EncodedRecords {
  /** Whole TFRecords, one after another: length, CRC, payload, CRC. */
  readonly bytes: Uint8Array;
  /** Two numbers a record: payload length, and CRC32C of the payload, not masked. */
  readonly meta: Uint32Array;
}

export interface ExampleEncoderOptions {
  /**
   * Gives a CRC32C that is faster than the kernel's on long inputs, such as one in native code, or undefined. It is asked
   * once, and only where records are long.
   */
  longCrc?: () => ((bytes: Uint8Array) => number) | undefined;
}

/** From this mean payload on a CRC in native code is faster than the kernel's, in spite of the cost of each call. */
const LONG_RECORD = 2048;

/**
 * Turns columns into framed Example records, compiled once for the columns' schema. The payloads are the bytes that
 * TensorFlow's deterministic serialisation gives, with the features in schema order. A row that has no value for a
 * feature has no key for it.
 */
export class ExampleEncoder {
  readonly #columns: KernelColumns;
  readonly #plan: number;
  readonly #options: ExampleEncoderOptions;
  #out = 0;
  #outBytes = 0;
  #meta = 0;
  #metaRows = 0;
  /** Mean payload of the last call. */
  #mean = 0;
  #crc: ((bytes: Uint8Array) => number) | null | undefined;

  constructor(columns: KernelColumns, options: ExampleEncoderOptions = {}) {
    const { kernel, schema } = columns;
    this.#columns = columns;
    this.#options = options;
    this.#plan = kernel.alloc(schema.features.length * PLAN_BYTES);
    kernel.exports.exampleTemplates!(columns.address, schema.features.length, this.#plan);
  }

  /**
   * Encodes the first `rows` rows of the columns.
   * @throws SHARDFEED_RANGE where the records do not fit into the kernel's memory
   */
  encode(rows: number): EncodedRecords {
    const { kernel, schema } = this.#columns;
    const count = schema.features.length;
    this.#reserve(rows, kernel.exports.exampleBound!(count, this.#plan, rows) >>> 0);
    const crc = this.#mean < LONG_RECORD ? undefined : this.#longCrc();
    const inKernel = crc === undefined ? 1 : 0;
    const end = kernel.exports.encodeExamples!(count, this.#plan, rows, this.#out, this.#meta, inKernel);
    const bytes = kernel.u8.subarray(this.#out, end);
    const meta = new Uint32Array(kernel.memory.buffer, this.#meta, 2 * rows);
    if (crc !== undefined) putCrcs(bytes, meta, kernel.view, this.#out, crc);
    if (rows > 0) this.#mean = bytes.length / rows - FRAME_BYTES;
    return { bytes, meta };
  }

  #longCrc(): ((bytes: Uint8Array) => number) | undefined {
    if (this.#crc === undefined) this.#crc = this.#options.longCrc?.() ?? null;
    return this.#crc ?? undefined;
  }

  #reserve(rows: number, bytes: number): void {
    const { kernel, capacity } = this.#columns;
    if (bytes > this.#outBytes) {
      this.#outBytes = Math.max(bytes, Math.min(2 * this.#outBytes, bytes + (64 << 20)));
      this.#out = kernel.alloc(this.#outBytes);
    }
    if (rows > this.#metaRows) {
      this.#metaRows = Math.max(rows, capacity);
      this.#meta = kernel.alloc(8 * this.#metaRows);
    }
  }
}

/** Puts the payloads' CRCs into the records and `meta`. */
function putCrcs(
  bytes: Uint8Array,
  meta: Uint32Array,
  view: DataView,
  address: number,
  crc: (bytes: Uint8Array) => number,
): void {
  let payload = HEADER_BYTES;
  for (let i = 0; i < meta.length; i += 2) {
    const end = payload + meta[i]!;
    const value = crc(bytes.subarray(payload, end)) >>> 0;
    meta[i + 1] = value;
    view.setUint32(address + end, maskCrc(value), true);
    payload = end + FRAME_BYTES;
  }
}
