import type { ShardfeedError } from '../../errors.js';
import { displayPath, type Location } from '../../files/index.js';
import { ExampleDecoder, type ExampleDecoderOptions, type RecordPlace } from '../../records/example-decoder.js';
import { FRAME_BYTES } from '../../records/framing.js';
import type { Batch, Kernel, Loss, Schema } from '../../records/index.js';
import { allocateUnzeroed, expectLargeBlocks } from '../batch-memory.js';
import type { LoadedStage } from './loaded-stage.js';

/** A loss, with the bytes that were lost. */
export interface LostRecord {
  readonly loss: Loss;
  readonly bytes: Uint8Array;
}

export interface StageDecoderOptions extends Pick<ExampleDecoderOptions, 'columns' | 'int64' | 'borrow'> {
  schema: Schema;
  /** The first corrupt record of a row that counts is an error. */
  strict: boolean;
}

/** Makes the batches of loaded stages. */
export class StageDecoder {
  readonly #kernel: Kernel;
  readonly #parts: readonly Location[];
  readonly #options: StageDecoderOptions;
  #decoder: ExampleDecoder | undefined;
  /** Where the addresses of a batch's payloads stand in the kernel's memory, and behind them their lengths. */
  #places = 0;
  /** Told of a row that is no Example. */
  #onMalformed: ((error: ShardfeedError, bytes: Uint8Array) => void) | undefined;

  constructor(kernel: Kernel, parts: readonly Location[], options: StageDecoderOptions) {
    this.#kernel = kernel;
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * The batch of a step, counted from the stage's first. How many rows count is told with it, and what was lost of them, in order.
   * @throws SHARDFEED_SCHEMA_MISMATCH, RANGE, and what is wrong with a record if `strict`
   */
  decode(loaded: LoadedStage, step: number): { batch: Batch; records: number; losses: LostRecord[] } {
    const { rowsPerStep: rows } = loaded.plan.stage;
    const from = step * rows;
    const indexes = loaded.plan.stage.rows.subarray(from, from + rows);
    const mask = loaded.plan.stage.mask.subarray(from, from + rows);
    const decoder = this.#decoderFor(rows);
    const { faults, addresses, lengths } = loaded;
    const { exports } = this.#kernel;
    const places = this.#places;
    const jumps = exports.placeRows!(loaded.rows + 4 * from, rows, addresses, lengths, places, FRAME_BYTES);
    if (jumps > rows / 8) exports.touchRecords!(places, places + 4 * rows, rows);
    const losses: LostRecord[] = [];
    this.#onMalformed = (error, bytes) => {
      const row = decoder.rows;
      if (mask[row] === 0) return;
      if (this.#options.strict) throw error;
      const { path, record, offset } = this.#placeOf(loaded, indexes[row]!);
      const where = { path, record, offset, end: offset + bytes.length };
      losses.push({ loss: { ...where, reason: 'malformed-example', count: 1, atLeast: false }, bytes: bytes.slice() });
    };
    let next = 0;
    const decodeTo = (end: number): void => {
      const first = next;
      next = end;
      if (first === end) return;
      const where = (i: number): RecordPlace => this.#placeOf(loaded, indexes[first + i]!);
      const at = this.#places + 4 * first;
      decoder.loadPlaced({ count: end - first, addresses: at, lengths: at + 4 * rows, where });
      decoder.fill();
    };
    for (let i = 0; faults.size > 0 && i < rows; i++) {
      const fault = faults.get(indexes[i]!);
      if (fault === undefined) continue;
      const { error, loss, address, bytes } = fault;
      decodeTo(i);
      if (mask[i] === 1) {
        if (this.#options.strict) throw error;
        losses.push({ loss, bytes: this.#kernel.u8.slice(address, address + bytes) });
      }
      if (loss.count > 0) next += decoder.addLost(1);
    }
    decodeTo(rows);
    const batch = decoder.take();
    if (mask.includes(0)) for (let i = 0; i < rows; i++) if (mask[i] === 0) batch.mask[i] = 0;
    const records = batch.mask.includes(0) ? batch.mask.reduce((sum, counts) => sum + counts, 0) : rows;
    return { batch, records, losses };
  }

  #decoderFor(rows: number): ExampleDecoder {
    if (this.#decoder !== undefined && rows <= this.#decoder.batchSize) return this.#decoder;
    const { schema, columns, int64, borrow = false } = this.#options;
    if (!borrow) expectLargeBlocks();
    this.#places = this.#kernel.alloc(8 * rows);
    this.#decoder = new ExampleDecoder(schema, {
      kernel: this.#kernel,
      batchSize: Math.max(1, rows),
      columns,
      int64,
      borrow,
      allocate: allocateUnzeroed,
      onMalformed: (error, bytes) => this.#onMalformed?.(error, bytes),
    });
    return this.#decoder;
  }

  #placeOf(loaded: LoadedStage, index: number): RecordPlace & { readonly path: string } {
    const { part, ...place } = loaded.placeOf(index);
    return { ...place, path: displayPath(this.#parts[part]!) };
  }
}
