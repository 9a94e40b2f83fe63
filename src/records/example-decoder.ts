import { ShardfeedError } from '../errors.js';
import type { Batch } from './batch.js';
import { ExampleLayout } from './example-layout.js';
import { FRAME_BYTES, HEADER_BYTES } from './framing.js';
import { KernelColumns, type ToBatchOptions } from './kernel/columns.js';
import { Kernel } from './kernel/kernel.js';
import type { RecordBlock } from './record-block.js';
import type { Schema } from './schema.js';

export interface ExampleDecoderOptions extends ToBatchOptions {
  /** Decode only these features, in this order; the others are passed over. Default: all of the schema. */
  columns?: readonly string[];
  /** Rows of a full batch, default 1024. */
  batchSize?: number;
  /** The kernel to work in; share it with the reader of the blocks to spare a copy. */
  kernel?: Kernel;
  /**
   * Told about each record that is no valid Example, with its framed bytes (borrowed): it is left out and keeps its row,
   * with mask 0. Default: the error is thrown.
   */
  onMalformed?: (error: ShardfeedError, record: Uint8Array) => void;
}

/** Records that lie anywhere in the kernel's memory. */
export interface PlacedRecords {
  readonly count: number;
  /** Where in the kernel's memory their payloads' addresses and lengths stand, u32 each. */
  readonly addresses: number;
  readonly lengths: number;
  /** Says of one of them, for errors, where it comes from. */
  readonly where: (index: number) => RecordPlace;
}

/** Where a record comes from: a file, the record's ordinal in it, and the offset of its header. */
export interface RecordPlace {
  readonly path?: string;
  readonly record: number;
  readonly offset: number;
}

/** The context of assembly/example-decode.ts. */
const X = {
  COLUMNS: 0,
  COLUMN_COUNT: 4,
  SLOTS: 8,
  SLOT_COUNT: 12,
  HASH: 16,
  HASH_MASK: 20,
  BASE: 24,
  OFFSETS: 28,
  LENGTHS: 32,
  NEXT: 36,
  END: 40,
  ROW: 44,
  ROW_END: 48,
  COLUMN: 52,
  NEED_VALUES: 56,
  NEED_ITEMS: 60,
  POSITION: 64,
  FOUND: 68,
  PATIENCE: 72,
  BYTES: 76,
} as const;

const Status = { OK: 0, GROW: 1, LEARN: 2, MALFORMED: 3, WRONG_KIND: 4, WRONG_COUNT: 5, ABSENT: 6 } as const;
const KINDS = ['int64', 'float', 'bytes'];
const MAX_PATIENCE = 1 << 20;

/**
 * Decodes blocks of Example records into batches. Usage: `load` a block, then `while (decoder.fill()) use(decoder.take())`;
 * rows are carried over to the next block, and at the end `take` gives the last, smaller batch.
 */
export class ExampleDecoder {
  /** What is decoded: the schema's features, or those asked for. */
  readonly schema: Schema;
  readonly batchSize: number;
  readonly #kernel: Kernel;
  readonly #columns: KernelColumns;
  readonly #layout: ExampleLayout;
  readonly #options: ExampleDecoderOptions;
  readonly #context: number;
  #patience = 1;
  #blanks: number[] = [];
  /** Room for the bytes and places of a block that lies elsewhere. */
  #room = { address: 0, capacity: 0 };
  #where: (index: number) => RecordPlace = () => ({ record: 0, offset: 0 });
  /** The file that errors name; set it before each file's first block. */
  path: string | undefined;

  constructor(schema: Schema, options: ExampleDecoderOptions = {}) {
    const { batchSize = 1024, kernel = new Kernel(), columns } = options;
    if (!(Number.isInteger(batchSize) && batchSize > 0)) {
      throw new ShardfeedError('SHARDFEED_USAGE', `batchSize is ${batchSize}, a number from 1 is wanted`);
    }
    this.schema = columns === undefined ? schema : project(schema, columns);
    this.batchSize = batchSize;
    this.#options = options;
    this.#kernel = kernel;
    this.#columns = new KernelColumns(kernel, this.schema, batchSize);
    this.#layout = new ExampleLayout(this.#columns);
    this.#context = kernel.alloc(X.BYTES);
    kernel.u8.fill(0, this.#context, this.#context + X.BYTES);
    this.#set(X.COLUMNS, this.#columns.address);
    this.#set(X.COLUMN_COUNT, this.schema.features.length);
    this.#set(X.ROW_END, batchSize);
    this.#set(X.PATIENCE, this.#patience);
    this.#makeHashTable();
  }

  /** Rows decoded and not yet taken. */
  get rows(): number {
    return this.#get(X.ROW);
  }

  /** Takes a block; all of the last one must have been decoded. The block's arrays are needed until `fill` gives false. */
  load(block: RecordBlock): void {
    const { buffer } = this.#kernel.memory;
    const { bytes, offsets, lengths, count } = block;
    if (bytes.buffer === buffer && offsets.buffer === buffer && lengths.buffer === buffer) {
      this.#place(bytes.byteOffset, offsets.byteOffset, lengths.byteOffset);
    } else {
      this.#copyIn(block);
    }
    const { path } = this;
    const { firstRecord, firstOffset } = block;
    this.#begin(count, (index) => {
      return { path, record: firstRecord + index, offset: firstOffset + this.#record(index).place - HEADER_BYTES };
    });
  }

  /** Takes records that lie in the kernel's memory already, in the order of their places; otherwise as `load`. */
  loadPlaced({ count, addresses, lengths, where }: PlacedRecords): void {
    this.#place(0, addresses, lengths);
    this.#begin(count, where);
  }

  /**
   * Decodes until a batch is full (true: take it) or the block has been used up (false).
   * @throws SHARDFEED_MALFORMED_EXAMPLE, SHARDFEED_SCHEMA_MISMATCH; a later `fill` tries the same record again
   */
  fill(): boolean {
    const { exports } = this.#kernel;
    while (this.rows < this.batchSize && this.#get(X.NEXT) < this.#get(X.END)) {
      const status = exports.decodeExamples!(this.#context);
      if (status === Status.OK) continue;
      if (status === Status.GROW) this.#grow();
      else if (status === Status.LEARN) this.#learn();
      else if (status === Status.MALFORMED) this.#malformed();
      else throw this.#mismatch(status);
    }
    return this.rows === this.batchSize;
  }

  /** Adds up to `count` rows of lost records, with defaults and mask 0; returns how many fitted into the batch. */
  addLost(count: number): number {
    let added = 0;
    while (added < count && this.rows < this.batchSize) {
      const { rows } = this;
      if (this.#kernel.exports.decodeBlank!(this.#context) === Status.GROW) this.#grow();
      if (this.rows === rows) continue;
      this.#blanks.push(rows);
      added++;
    }
    return added;
  }

  /** The rows decoded so far as a batch (with `borrow` valid until the next `fill`). @throws SHARDFEED_RANGE for an int64 beyond 2^53 */
  take(): Batch {
    const batch = this.#columns.toBatch(this.rows, this.#options);
    for (const row of this.#blanks) batch.mask[row] = 0;
    this.drop();
    return batch;
  }

  /** The columns that hold the rows decoded so far, for those who look at them in the kernel instead of taking them. */
  get columns(): KernelColumns {
    return this.#columns;
  }
  /** The rows among those decoded so far that stand for lost records, in ascending order. */
  get lostRows(): readonly number[] {
    return this.#blanks;
  }

  /** Forgets the rows decoded so far. */
  drop(): void {
    this.#blanks = [];
    this.#columns.reset();
    this.#set(X.ROW, 0);
  }

  #get(field: number): number {
    return this.#kernel.view.getUint32(this.#context + field, true);
  }
  #set(field: number, value: number): void {
    this.#kernel.view.setUint32(this.#context + field, value, true);
  }

  #begin(count: number, where: (index: number) => RecordPlace): void {
    this.#set(X.NEXT, 0);
    this.#set(X.END, count);
    this.#where = where;
  }

  #place(base: number, offsets: number, lengths: number): void {
    this.#set(X.BASE, base);
    this.#set(X.OFFSETS, offsets);
    this.#set(X.LENGTHS, lengths);
  }

  #copyIn({ bytes, offsets, lengths, count }: RecordBlock): void {
    const kernel = this.#kernel;
    const needed = bytes.length + 8 * count + 512;
    if (needed > this.#room.capacity) {
      const capacity = needed + Math.min(needed, 16 << 20);
      const { address, capacity: old } = this.#room;
      if (!(address > 0 && kernel.extend(address, old, capacity))) this.#room.address = kernel.alloc(capacity);
      this.#room.capacity = capacity;
    }
    const { address } = this.#room;
    const { buffer } = kernel.memory;
    new Uint32Array(buffer, address, count).set(offsets.subarray(0, count));
    new Uint32Array(buffer, address + 4 * count, count).set(lengths.subarray(0, count));
    kernel.u8.set(bytes, address + 8 * count);
    this.#place(address + 8 * count, address, address + 4 * count);
  }

  #grow(): void {
    this.#columns.grow(this.#get(X.COLUMN), this.#get(X.NEED_VALUES), this.#get(X.NEED_ITEMS));
  }

  #learn(): void {
    const { start, length } = this.#record(this.#get(X.NEXT) - 1);
    this.#layout.learn(this.#kernel.u8.subarray(start, start + length));
    this.#set(X.SLOTS, this.#layout.address);
    this.#set(X.SLOT_COUNT, this.#layout.count);
    this.#patience = Math.min(this.#patience * 2, MAX_PATIENCE);
    this.#set(X.PATIENCE, this.#patience);
  }

  /** Where a record of the block lies in the kernel's memory. */
  #record(index: number): { start: number; length: number; place: number } {
    const { view } = this.#kernel;
    const place = view.getUint32(this.#get(X.OFFSETS) + 4 * index, true);
    return { place, start: this.#get(X.BASE) + place, length: view.getUint32(this.#get(X.LENGTHS) + 4 * index, true) };
  }

  #malformed(): void {
    const next = this.#get(X.NEXT);
    const error = this.#error(
      'SHARDFEED_MALFORMED_EXAMPLE',
      `not a valid Example: malformed at byte ${this.#get(X.POSITION)} of it`,
    );
    const { onMalformed } = this.#options;
    if (onMalformed === undefined) throw error;
    const { start, length } = this.#record(next);
    onMalformed(error, this.#kernel.u8.subarray(start - HEADER_BYTES, start + length + FRAME_BYTES - HEADER_BYTES));
    while (this.addLost(1) === 0);
    this.#set(X.NEXT, next + 1);
  }

  #mismatch(status: number): ShardfeedError {
    const feature = this.schema.features[this.#get(X.COLUMN)]!;
    const found = this.#get(X.FOUND);
    const name = JSON.stringify(feature.name);
    const what =
      status === Status.WRONG_KIND
        ? `feature ${name} holds ${KINDS[found]}, the schema wants ${feature.kind}`
        : status === Status.WRONG_COUNT
          ? `feature ${name} holds ${found} values, the schema wants shape ${JSON.stringify(feature.shape)}`
          : `feature ${name} is absent: give it a default or make it nullable in the schema`;
    return this.#error('SHARDFEED_SCHEMA_MISMATCH', what, feature.name);
  }

  /** An error about the record that is next. */
  #error(
    code: 'SHARDFEED_MALFORMED_EXAMPLE' | 'SHARDFEED_SCHEMA_MISMATCH',
    what: string,
    column?: string,
  ): ShardfeedError {
    const { path, record, offset } = this.#where(this.#get(X.NEXT));
    return new ShardfeedError(code, `${what}, at record ${record}${path === undefined ? '' : ` of ${path}`}`, {
      path,
      column,
      offset,
      record,
    });
  }

  #makeHashTable(): void {
    const kernel = this.#kernel;
    const count = this.schema.features.length;
    const size = 2 ** Math.ceil(Math.log2(2 * count + 1));
    const table = kernel.alloc(4 * size);
    kernel.u8.fill(0, table, table + 4 * size);
    for (let i = 0; i < count; i++) {
      const [key, length] = this.#columns.keyOf(i);
      let h = kernel.exports.exampleKeyHash!(key, length) & (size - 1);
      while (kernel.view.getUint32(table + 4 * h, true) !== 0) h = (h + 1) & (size - 1);
      kernel.view.setUint32(table + 4 * h, i + 1, true);
    }
    this.#set(X.HASH, table);
    this.#set(X.HASH_MASK, size - 1);
  }
}

/** The part of a schema with these features, in this order. @throws SHARDFEED_USAGE */
export function project(schema: Schema, columns: readonly string[]): Schema {
  const features = columns.map((name) => {
    const feature = schema.features.find((f) => f.name === name);
    if (feature !== undefined) return feature;
    const names = schema.features.map((f) => f.name).join(', ');
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `there is no feature ${JSON.stringify(name)}; the schema has ${names}`,
      {
        column: name,
      },
    );
  });
  if (features.length === 0 || new Set(columns).size !== columns.length) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `columns must be one or more different names, not ${columns.join(', ')}`,
    );
  }
  const labels = schema.labels?.filter((name) => columns.includes(name));
  return { features, labels };
}
