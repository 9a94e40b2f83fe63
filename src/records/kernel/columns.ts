import { ShardfeedError } from '../../errors.js';
import { own } from '../../own-properties.js';
import type { Batch, BytesColumn, Column, Numbers } from '../batch.js';
import { type Feature, type Scalar, type Schema, widthOf } from '../schema.js';
import type { Kernel } from './kernel.js';

/** The column descriptor of assembly/column.ts: byte positions of its u32 fields. */
export const COLUMN_BYTES = 128;
export const C = {
  KIND: 0,
  WIDTH: 4,
  VALUES: 8,
  VALUES_CAP: 12,
  OFFSETS: 16,
  ITEMS_CAP: 20,
  ROW_OFFSETS: 24,
  VALIDITY: 28,
  KEY: 32,
  KEY_LEN: 36,
  HAS_DEFAULT: 40,
  DEFAULT: 44,
  DEFAULT_COUNT: 48,
  DEFAULT_DATA: 52,
  NULLABLE: 56,
  USED_VALUES: 60,
  USED_ITEMS: 64,
  SCRATCH: 72,
} as const;

const KINDS = { int64: 0, float: 1, bytes: 2 } as const;
/** Bytes of a value. */
const UNIT = { int64: 8, float: 4, bytes: 1 } as const;
const RAGGED = 0xffffffff;
/** The table of assembly/column-views.ts. */
const VIEW_BYTES = 32;
const V = { VALUES: 0, VALUE_COUNT: 1, OFFSETS: 2, ITEMS: 3, ROW_OFFSETS: 4, VALIDITY: 5, UNSAFE: 6 } as const;
const NONE = 0xffffffff;
const utf8 = new TextEncoder();

/** How int64 columns are handed out: Float64Array, where a value beyond 2^53 is an error, or BigInt64Array. */
export type Int64As = 'number' | 'bigint';

export interface ToBatchOptions {
  /** What int64 columns become, default `'number'`. */
  int64?: Int64As;
  /** Do not copy: the batch is valid until the columns are filled again. Default false. */
  borrow?: boolean;
  /** Makes the batch's buffer of exactly so many bytes; it need not be zeroed. Default: a new ArrayBuffer. */
  allocate?: (bytes: number) => ArrayBuffer;
}

/** Where a batch's arrays lie: `place` says where in `buffer` the bytes at an address of the kernel are. */
interface BatchMemory {
  readonly buffer: ArrayBuffer;
  place(address: number, bytes: number): number;
}

/** The columns of a schema in a kernel's memory, for up to `capacity` rows at a time. */
export class KernelColumns {
  readonly kernel: Kernel;
  readonly schema: Schema;
  /** Rows that fit. */
  readonly capacity: number;
  /** Address of the descriptors, COLUMN_BYTES apart, in the order of the schema. */
  readonly address: number;
  /** What batches hold in another form than the columns do, and the table that says where everything is. */
  #scratch = 0;
  #scratchBytes = 0;
  #viewTable: number | undefined;

  constructor(kernel: Kernel, schema: Schema, capacity: number) {
    this.kernel = kernel;
    this.schema = schema;
    this.capacity = capacity;
    this.address = kernel.alloc(schema.features.length * COLUMN_BYTES);
    kernel.u8.fill(0, this.address, this.address + schema.features.length * COLUMN_BYTES);
    schema.features.forEach((feature, i) => {
      this.#allocate(feature, i);
    });
    this.reset();
  }

  get(column: number, field: number): number {
    return this.kernel.view.getUint32(this.address + column * COLUMN_BYTES + field, true);
  }
  set(column: number, field: number, value: number): void {
    this.kernel.view.setUint32(this.address + column * COLUMN_BYTES + field, value, true);
  }

  /** Address of one column's descriptor. */
  addressOf(column: number): number {
    return this.address + column * COLUMN_BYTES;
  }
  /** Address and length of a column's key, UTF-8. */
  keyOf(column: number): [address: number, length: number] {
    return [this.get(column, C.KEY), this.get(column, C.KEY_LEN)];
  }

  /** Forgets all rows. */
  reset(): void {
    this.schema.features.forEach((_, i) => {
      this.set(i, C.USED_VALUES, 0);
      this.set(i, C.USED_ITEMS, 0);
      const { kernel } = this;
      const offsets = this.get(i, C.OFFSETS);
      if (offsets !== 0) kernel.view.setUint32(offsets, 0, true);
      const rowOffsets = this.get(i, C.ROW_OFFSETS);
      if (rowOffsets !== 0) kernel.view.setUint32(rowOffsets, 0, true);
    });
  }

  /**
   * Makes room for at least `values` numbers (bytes of data for a bytes column) and `items` items in one column,
   * keeping what is there. The old room is not reused: sizes double, so the waste is bounded.
   */
  grow(column: number, values: number, items = 0): void {
    const { kernel } = this;
    const feature = this.schema.features[column]!;
    const unit = UNIT[feature.kind];
    const cap = this.get(column, C.VALUES_CAP);
    if (values > cap) {
      const size = Math.max(values, cap * 2);
      const from = this.get(column, C.VALUES);
      const to = kernel.alloc(size * unit);
      kernel.u8.copyWithin(to, from, from + cap * unit);
      this.set(column, C.VALUES, to);
      this.set(column, C.VALUES_CAP, size);
    }
    const itemsCap = this.get(column, C.ITEMS_CAP);
    if (items > itemsCap) {
      const size = Math.max(items, itemsCap * 2);
      const from = this.get(column, C.OFFSETS);
      const to = kernel.alloc((size + 1) * 4);
      kernel.u8.copyWithin(to, from, from + (itemsCap + 1) * 4);
      this.set(column, C.OFFSETS, to);
      this.set(column, C.ITEMS_CAP, size);
    }
  }

  /**
   * The first `rows` rows as a batch, all of whose arrays are views of one buffer: a copy, or with `borrow` the kernel's
   * memory, valid until the columns are filled again.
   * @throws SHARDFEED_RANGE for an int64 beyond 2^53 where numbers are asked for
   */
  toBatch(rows: number, options: ToBatchOptions = {}): Batch {
    const { kernel, address, schema } = this;
    const { int64 = 'number', borrow = false, allocate } = options;
    const count = schema.features.length;
    this.#viewTable ??= kernel.alloc(count * VIEW_BYTES);
    const needed = kernel.exports.viewScratchBytes!(address, count, rows) >>> 0;
    if (needed > this.#scratchBytes) {
      this.#scratchBytes = Math.max(needed, Math.min(2 * this.#scratchBytes, needed + (16 << 20)));
      this.#scratch = kernel.alloc(this.#scratchBytes);
    }
    const table = this.#viewTable;
    kernel.exports.viewColumns!(address, count, rows, int64 === 'number' ? 1 : 0, this.#scratch, table);
    const words = new Uint32Array(kernel.memory.buffer, table, (count * VIEW_BYTES) / 4);
    const memory = borrow ? inKernel(kernel) : copiesFrom(kernel, this.#copyBytes(rows, words), allocate);
    const columns = schema.features.map(({ name }, i): [string, Column] => {
      return [name, this.#toColumn(i, rows, memory, words, int64)];
    });
    return { size: rows, columns: Object.fromEntries(columns), mask: new Uint8Array(rows).fill(1) };
  }

  /** Copies a batch of this schema in, replacing what is there; `batch.size` must be at most `capacity`. */
  fromBatch(batch: Batch): void {
    if (batch.size > this.capacity) throw new RangeError(`batch of ${batch.size} rows > capacity ${this.capacity}`);
    this.reset();
    this.schema.features.forEach((feature, i) => {
      const column = own(batch.columns, feature.name);
      if (column === undefined) {
        throw new ShardfeedError(
          'SHARDFEED_SCHEMA_MISMATCH',
          `the batch has no column ${JSON.stringify(feature.name)}`,
          {
            column: feature.name,
          },
        );
      }
      this.#fromColumn(feature, i, column, batch.size);
    });
  }

  #allocate(feature: Feature, i: number): void {
    const { kernel, capacity } = this;
    const width = widthOf(feature);
    const items = capacity * (width < 0 ? 4 : width);
    const unit = feature.kind === 'float' ? 4 : 8;
    this.set(i, C.KIND, KINDS[feature.kind]);
    this.set(i, C.WIDTH, width < 0 ? RAGGED : width);
    if (feature.kind === 'bytes') {
      this.set(i, C.VALUES_CAP, items * 16);
      this.set(i, C.VALUES, kernel.alloc(items * 16));
      this.set(i, C.ITEMS_CAP, items);
      this.set(i, C.OFFSETS, kernel.alloc((items + 1) * 4));
    } else {
      this.set(i, C.VALUES_CAP, items);
      this.set(i, C.VALUES, kernel.alloc(items * unit));
    }
    if (width < 0) this.set(i, C.ROW_OFFSETS, kernel.alloc((capacity + 1) * 4));
    this.set(i, C.VALIDITY, kernel.alloc(capacity));
    const key = utf8.encode(feature.name);
    this.set(i, C.KEY, kernel.put(key));
    this.set(i, C.KEY_LEN, key.length);
    this.set(i, C.NULLABLE, feature.nullable ? 1 : 0);
    if (feature.default !== undefined) this.#putDefault(feature, i, width);
  }

  #putDefault(feature: Feature, i: number, width: number): void {
    const { kernel } = this;
    const given: readonly Scalar[] = Array.isArray(feature.default) ? feature.default : [feature.default as Scalar];
    const values = width > 1 && given.length === 1 ? new Array<Scalar>(width).fill(given[0]!) : given;
    this.set(i, C.HAS_DEFAULT, 1);
    this.set(i, C.DEFAULT_COUNT, values.length);
    if (feature.kind === 'bytes') {
      const items = values.map((v) => (v instanceof Uint8Array ? v : utf8.encode(String(v))));
      const offsets = kernel.alloc((items.length + 1) * 4);
      let at = 0;
      kernel.view.setUint32(offsets, 0, true);
      items.forEach((item, k) => {
        at += item.length;
        kernel.view.setUint32(offsets + 4 * (k + 1), at, true);
      });
      const data = kernel.alloc(at);
      let p = data;
      for (const item of items) {
        kernel.u8.set(item, p);
        p += item.length;
      }
      this.set(i, C.DEFAULT, offsets);
      this.set(i, C.DEFAULT_DATA, data);
    } else {
      const address = kernel.alloc(values.length * 8);
      values.forEach((v, k) => {
        if (feature.kind === 'float') kernel.view.setFloat32(address + 4 * k, Number(v), true);
        else kernel.view.setBigInt64(address + 8 * k, BigInt(v as number | bigint), true);
      });
      this.set(i, C.DEFAULT, address);
    }
  }

  /** How many bytes a copy of all columns takes, each part of them aligned. */
  #copyBytes(rows: number, words: Uint32Array): number {
    let bytes = 0;
    this.schema.features.forEach(({ kind, shape }, i) => {
      const entry = (i * VIEW_BYTES) / 4;
      bytes += align8(words[entry + V.VALUE_COUNT]! * UNIT[kind]);
      if (kind === 'bytes') bytes += align8(4 * words[entry + V.ITEMS]! + 4);
      if (shape === 'ragged') bytes += align8(4 * rows + 4);
      if (words[entry + V.VALIDITY] !== NONE) bytes += align8((rows + 7) >> 3);
    });
    return bytes;
  }

  /** One column of a batch; `words` is the table of assembly/column-views.ts. */
  #toColumn(i: number, rows: number, memory: BatchMemory, words: Uint32Array, int64: Int64As): Column {
    const { kind, shape } = this.schema.features[i]!;
    const { buffer } = memory;
    const entry = (i * VIEW_BYTES) / 4;
    if (words[entry + V.UNSAFE] !== NONE) throw this.#unsafe(i, words[entry + V.UNSAFE]!);
    const count = words[entry + V.VALUE_COUNT]!;
    const at = memory.place(words[entry + V.VALUES]!, count * UNIT[kind]);
    const ints = (word: number, n: number): Int32Array =>
      new Int32Array(buffer, memory.place(words[entry + word]!, 4 * n), n);
    const ragged = shape === 'ragged' ? ints(V.ROW_OFFSETS, rows + 1) : undefined;
    const bits = words[entry + V.VALIDITY]!;
    const bitmap = (rows + 7) >> 3;
    const validity = bits === NONE ? undefined : new Uint8Array(buffer, memory.place(bits, bitmap), bitmap);
    if (kind === 'bytes') {
      const data = new Uint8Array(buffer, at, count);
      const column: BytesColumn = {
        layout: 'bytes',
        data,
        offsets: ints(V.OFFSETS, words[entry + V.ITEMS]! + 1),
        shape,
      };
      const full = ragged === undefined ? column : { ...column, rowOffsets: ragged };
      return validity === undefined ? full : { ...full, validity };
    }
    const values =
      kind === 'float'
        ? new Float32Array(buffer, at, count)
        : int64 === 'bigint'
          ? new BigInt64Array(buffer, at, count)
          : new Float64Array(buffer, at, count);
    const column: Column =
      shape === 'ragged' ? { layout: 'ragged', values, offsets: ragged! } : { layout: 'fixed', values, shape };
    return validity === undefined ? column : { ...column, validity };
  }

  #unsafe(i: number, index: number): ShardfeedError {
    const { name } = this.schema.features[i]!;
    const value = this.kernel.view.getBigInt64(this.get(i, C.VALUES) + 8 * index, true);
    return new ShardfeedError(
      'SHARDFEED_RANGE',
      `int64 feature ${JSON.stringify(name)} holds ${value}, beyond 2^53: ask for int64: 'bigint'`,
      { column: name },
    );
  }

  #fromColumn(feature: Feature, i: number, column: Column, rows: number): void {
    const { kernel } = this;
    const mismatch = (what: string): ShardfeedError =>
      new ShardfeedError('SHARDFEED_SCHEMA_MISMATCH', `column ${JSON.stringify(feature.name)} ${what}`, {
        column: feature.name,
      });
    const ragged = feature.shape === 'ragged';
    const isBytes = feature.kind === 'bytes';
    if (isBytes !== (column.layout === 'bytes'))
      throw mismatch(`is ${column.layout}, the schema wants ${feature.kind}`);
    const rowOffsets =
      column.layout === 'bytes' ? column.rowOffsets : column.layout === 'ragged' ? column.offsets : undefined;
    if (ragged !== (rowOffsets !== undefined)) throw mismatch(ragged ? 'is not ragged' : 'is ragged');
    const count = rowOffsets === undefined ? rows * widthOf(feature) : rowOffsets[rows]!;
    if (rowOffsets !== undefined) {
      if (!ascending(rowOffsets, rows + 1)) throw mismatch('has offsets that do not ascend from 0');
      this.#putInts(this.get(i, C.ROW_OFFSETS), rowOffsets, rows + 1);
    }
    if (column.layout === 'bytes') {
      if (column.offsets.length < count + 1 || !ascending(column.offsets, count + 1)) {
        throw mismatch(`wants ${count + 1} ascending offsets`);
      }
      const bytes = column.offsets[count]!;
      if (column.data.length < bytes)
        throw mismatch(`has ${column.data.length} bytes of data, its offsets want ${bytes}`);
      this.grow(i, bytes, count);
      this.#putInts(this.get(i, C.OFFSETS), column.offsets, count + 1);
      kernel.u8.set(column.data.subarray(0, bytes), this.get(i, C.VALUES));
      this.set(i, C.USED_VALUES, bytes);
      this.set(i, C.USED_ITEMS, count);
    } else {
      if (column.values.length < count) throw mismatch(`has ${column.values.length} values, ${count} are wanted`);
      this.grow(i, count);
      this.#putNumbers(feature, this.get(i, C.VALUES), column.values, count);
      this.set(i, C.USED_VALUES, count);
    }
    const validity = this.get(i, C.VALIDITY);
    for (let r = 0; r < rows; r++) {
      kernel.u8[validity + r] = column.validity === undefined ? 1 : (column.validity[r >> 3]! >> (r & 7)) & 1;
    }
  }

  #putInts(address: number, values: Int32Array, count: number): void {
    new Int32Array(this.kernel.memory.buffer, address, count).set(values.subarray(0, count));
  }

  #putNumbers(feature: Feature, address: number, values: Numbers, count: number): void {
    const { buffer } = this.kernel.memory;
    if (feature.kind === 'float') {
      const to = new Float32Array(buffer, address, count);
      if (values instanceof BigInt64Array) for (let k = 0; k < count; k++) to[k] = Number(values[k]);
      else to.set(values.subarray(0, count));
      return;
    }
    const to = new BigInt64Array(buffer, address, count);
    if (values instanceof BigInt64Array) {
      to.set(values.subarray(0, count));
      return;
    }
    for (let k = 0; k < count; k++) {
      const value = values[k]!;
      if (!Number.isSafeInteger(value)) {
        throw new ShardfeedError(
          'SHARDFEED_RANGE',
          `${value} is no safe integer for int64 feature ${JSON.stringify(feature.name)}`,
          {
            column: feature.name,
          },
        );
      }
      to[k] = BigInt(value);
    }
  }
}

function align8(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** The kernel's own memory. */
function inKernel({ memory: { buffer } }: Kernel): BatchMemory {
  return { buffer, place: (address) => address };
}

/** A new buffer of so many bytes, into which each part is copied. */
function copiesFrom({ u8 }: Kernel, bytes: number, allocate = (n: number) => new ArrayBuffer(n)): BatchMemory {
  const own = new Uint8Array(allocate(bytes));
  let next = 0;
  const place = (address: number, length: number): number => {
    const at = next;
    own.set(u8.subarray(address, address + length), at);
    next += align8(length);
    return at;
  };
  return { buffer: own.buffer as ArrayBuffer, place };
}

function ascending(offsets: Int32Array, count: number): boolean {
  if (offsets.length < count || offsets[0] !== 0) return false;
  for (let i = 1; i < count; i++) if (offsets[i]! < offsets[i - 1]!) return false;
  return true;
}
