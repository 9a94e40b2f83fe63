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

/**
 * Turns columns into framed Example records, compiled once for the columns' schema. The payloads are the bytes that
 * TensorFlow's deterministic serialisation gives, with the features in schema order. A row that has no value for a
 * feature has no key for it.
 */
export class ExampleEncoder {
  readonly #columns: KernelColumns;
  readonly #plan: number;
  #out = 0;
  #outBytes = 0;
  #meta = 0;
  #metaRows = 0;

  constructor(columns: KernelColumns) {
    const { kernel, schema } = columns;
    this.#columns = columns;
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
    const bound = kernel.exports.exampleBound!(count, this.#plan, rows) >>> 0;
    if (bound > this.#outBytes) {
      this.#outBytes = Math.max(bound, Math.min(2 * this.#outBytes, bound + (64 << 20)));
      this.#out = kernel.alloc(this.#outBytes);
    }
    if (rows > this.#metaRows) {
      this.#metaRows = Math.max(rows, this.#columns.capacity);
      this.#meta = kernel.alloc(8 * this.#metaRows);
    }
    const end = kernel.exports.encodeExamples!(count, this.#plan, rows, this.#out, this.#meta);
    return {
      bytes: kernel.u8.subarray(this.#out, end),
      meta: new Uint32Array(kernel.memory.buffer, this.#meta, 2 * rows),
    };
  }
}
