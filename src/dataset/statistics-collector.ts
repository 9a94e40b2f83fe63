import { DISTINCT_REGISTERS } from '../records/distinct.js';
import { COLUMN_BYTES, type KernelColumns } from '../records/kernel/columns.js';
import type { Kernel } from '../records/kernel/kernel.js';
import type { Feature, FeatureKind } from '../records/schema.js';
import {
  type ColumnPartial,
  type Dictionary,
  type Held,
  limitsFor,
  type PartialStatistics,
  RECORD_BYTES,
  type Sample,
  type StatisticsLimits,
  sortDictionary,
  unitOf,
} from './statistics-partial.js';

/** The state of a column in assembly/statistics.ts: byte positions of its fields. */
const S = {
  MISSING: 0,
  VALUES: 8,
  NAN: 16,
  POSITIVE_INFINITY: 24,
  NEGATIVE_INFINITY: 32,
  MIN: 40,
  MAX: 48,
  LIST_MIN: 56,
  LIST_MAX: 64,
  SUM: 72,
  SQUARES: 88,
  BINS: 136,
  REGISTERS: 140,
  SLOTS: 144,
  SLOT_MASK: 148,
  RECORDS: 152,
  ENTRIES: 156,
  ENTRIES_CAP: 160,
  OVERFLOWED: 164,
  ITEMS: 168,
  META: 172,
  ITEM_COUNT: 176,
  ITEM_CAP: 180,
  LEVEL: 184,
} as const;
const STATE_BYTES = 192;
const SCRATCH_BYTES = 30720;
const SLOT_BYTES = 24;
const BIN_BYTES = 32;
const BINS = 255;
const HELD_BYTES = { float: 4, int64: 8, bytes: RECORD_BYTES } as const;
const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Collects statistics of the rows that pass through a kernel's columns. What it collects does not depend on the order of
 * the calls of `update`, only on which rows each of them brought: collectors in several threads that share the calls in any
 * way give, merged in any order, the same statistics to the last bit. So `take` is needed only once, at the end.
 *
 * Memory in the kernel: some 100 KB a feature (for up to 128 features 130 KB; 350 KB for bytes).
 */
export class StatisticsCollector {
  readonly #columns: KernelColumns;
  readonly #limits: StatisticsLimits;
  readonly #states: number;
  readonly #scratch: number;
  #rows = 0;

  /** `limits` must be the same for all collectors whose results are merged; `entries` a power of two. */
  constructor(columns: KernelColumns, limits: StatisticsLimits = limitsFor(columns.schema.features.length)) {
    const { kernel, schema } = columns;
    this.#columns = columns;
    this.#limits = limits;
    this.#scratch = kernel.alloc(SCRATCH_BYTES);
    kernel.u8.fill(0, this.#scratch, this.#scratch + SCRATCH_BYTES);
    this.#states = kernel.alloc(schema.features.length * STATE_BYTES);
    schema.features.forEach((feature, i) => {
      this.#allocate(feature, this.#states + i * STATE_BYTES);
      this.#reset(feature, this.#states + i * STATE_BYTES);
    });
  }

  /**
   * Takes in the first `rows` rows of the columns; `firstOrdinal` is the place of the first of them among all rows of the
   * dataset. Calls of 256 rows and more give the best sample.
   */
  update(rows: number, firstOrdinal: number): void {
    const { kernel, schema, address } = this.#columns;
    const statisticsUpdate = kernel.exports.statisticsUpdate!;
    const high = Math.floor(firstOrdinal / 2 ** 32);
    for (let i = 0; i < schema.features.length; i++) {
      const state = this.#states + i * STATE_BYTES;
      statisticsUpdate(address + i * COLUMN_BYTES, state, rows, firstOrdinal >>> 0, high, this.#scratch);
    }
    this.#rows += rows;
  }

  /** What was collected of the features [from, to). Costs about as much as 10,000 rows for all. */
  read(from: number, to: number): PartialStatistics {
    const { features } = this.#columns.schema;
    const columns = features
      .slice(from, to)
      .map(({ kind }, i) => this.#read(kind, this.#states + (from + i) * STATE_BYTES));
    return { rows: this.#rows, limits: this.#limits, columns };
  }

  /** What was collected since the last call. */
  take(): PartialStatistics {
    const { features } = this.#columns.schema;
    const taken = this.read(0, features.length);
    features.forEach((feature, i) => {
      this.#reset(feature, this.#states + i * STATE_BYTES);
    });
    this.#rows = 0;
    return taken;
  }

  #allocate({ kind }: Feature, state: number): void {
    const { kernel } = this.#columns;
    const { entries } = this.#limits;
    const items = kind === 'bytes' ? this.#limits.bytes : this.#limits.numbers;
    const set = (field: number, value: number): void => kernel.view.setUint32(state + field, value, true);
    set(S.BINS, kind === 'float' ? kernel.alloc(BINS * BIN_BYTES) : 0);
    set(S.REGISTERS, kernel.alloc(DISTINCT_REGISTERS));
    set(S.SLOTS, kernel.alloc(2 * entries * SLOT_BYTES));
    set(S.SLOT_MASK, 2 * entries - 1);
    set(S.RECORDS, kind === 'bytes' ? kernel.alloc(entries * RECORD_BYTES) : 0);
    set(S.ENTRIES_CAP, entries);
    set(S.ITEMS, kernel.alloc(items * HELD_BYTES[kind]));
    set(S.META, kernel.alloc(items * 2));
    set(S.ITEM_CAP, items);
  }

  #reset({ kind }: Feature, state: number): void {
    const { u8, view } = this.#columns.kernel;
    u8.fill(0, state, state + S.BINS);
    if (kind === 'float') {
      view.setUint32(state + S.MIN, 0xffffffff, true);
      const bins = view.getUint32(state + S.BINS, true);
      u8.fill(0, bins, bins + BINS * BIN_BYTES);
    } else {
      view.setBigInt64(state + S.MIN, kind === 'int64' ? INT64_MAX : -1n, true);
      view.setBigInt64(state + S.MAX, kind === 'int64' ? -INT64_MAX - 1n : 0n, true);
    }
    view.setBigUint64(state + S.LIST_MIN, UINT64_MAX, true);
    const registers = view.getUint32(state + S.REGISTERS, true);
    u8.fill(0, registers, registers + DISTINCT_REGISTERS);
    const slots = view.getUint32(state + S.SLOTS, true);
    u8.fill(0, slots, slots + 2 * this.#limits.entries * SLOT_BYTES);
    for (const field of [S.ENTRIES, S.OVERFLOWED, S.ITEM_COUNT, S.LEVEL]) view.setUint32(state + field, 0, true);
  }

  #read(kind: FeatureKind, state: number): ColumnPartial {
    const { kernel } = this.#columns;
    const { view } = kernel;
    const count = (field: number): number => Number(view.getBigUint64(state + field, true));
    const dictionary = this.#dictionary(kind, state);
    const registers = view.getUint32(state + S.REGISTERS, true);
    const values = count(S.VALUES);
    const listMin = view.getBigUint64(state + S.LIST_MIN, true);
    return {
      kind,
      missing: count(S.MISSING),
      values,
      nan: count(S.NAN),
      positiveInfinity: count(S.POSITIVE_INFINITY),
      negativeInfinity: count(S.NEGATIVE_INFINITY),
      ...this.#extremes(kind, state, values),
      listMin: listMin === UINT64_MAX ? Number.POSITIVE_INFINITY : Number(listMin),
      listMax: count(S.LIST_MAX),
      ...(kind === 'float' ? binSums(kernel, view.getUint32(state + S.BINS, true)) : intSums(view, state)),
      dictionary,
      registers: dictionary === undefined ? kernel.u8.slice(registers, registers + DISTINCT_REGISTERS) : undefined,
      sample: this.#sample(kind, state),
    };
  }

  #extremes(kind: FeatureKind, state: number, values: number): Pick<ColumnPartial, 'min' | 'max'> {
    const { view } = this.#columns.kernel;
    if (kind === 'float') {
      const keys = [view.getUint32(state + S.MIN, true), view.getUint32(state + S.MAX, true)];
      if (keys[0]! > keys[1]!) return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
      const bits = Uint32Array.from(keys, (key) => (key & 0x80000000 ? key ^ 0x80000000 : ~key));
      const [min, max] = new Float32Array(bits.buffer);
      return { min, max };
    }
    if (kind === 'int64') {
      if (values === 0) return { min: undefined, max: undefined };
      return { min: view.getBigInt64(state + S.MIN, true), max: view.getBigInt64(state + S.MAX, true) };
    }
    if (values === 0) return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
    return { min: Number(view.getBigUint64(state + S.MIN, true)), max: Number(view.getBigUint64(state + S.MAX, true)) };
  }

  #dictionary(kind: FeatureKind, state: number): Dictionary | undefined {
    const { kernel } = this.#columns;
    const { view } = kernel;
    if (view.getUint32(state + S.OVERFLOWED, true) !== 0) return undefined;
    const entries = view.getUint32(state + S.ENTRIES, true);
    const slots = view.getUint32(state + S.SLOTS, true);
    const records = view.getUint32(state + S.RECORDS, true);
    const hashes = new BigUint64Array(entries);
    const counts = new Float64Array(entries);
    const bits = new BigUint64Array(entries);
    let n = 0;
    for (let slot = slots; slot < slots + 2 * this.#limits.entries * SLOT_BYTES; slot += SLOT_BYTES) {
      const hash = view.getBigUint64(slot, true);
      if (hash === 0n) continue;
      hashes[n] = hash;
      counts[n] = Number(view.getBigUint64(slot + 8, true));
      bits[n++] = view.getBigUint64(slot + 16, true);
    }
    let values: Held = new BigInt64Array(bits.buffer);
    if (kind === 'float') values = new Float32Array(Uint32Array.from(bits, Number).buffer);
    if (kind === 'bytes') {
      const items = new Uint8Array(entries * RECORD_BYTES);
      bits.forEach((record, i) => {
        const from = records + Number(record) * RECORD_BYTES;
        items.set(kernel.u8.subarray(from, from + RECORD_BYTES), i * RECORD_BYTES);
      });
      values = items;
    }
    return sortDictionary({ hashes, counts, values }, unitOf(kind));
  }

  #sample(kind: FeatureKind, state: number): Sample {
    const { view, memory } = this.#columns.kernel;
    const count = view.getUint32(state + S.ITEM_COUNT, true);
    const items = view.getUint32(state + S.ITEMS, true);
    const meta = view.getUint32(state + S.META, true);
    const bytes = memory.buffer.slice(items, items + count * HELD_BYTES[kind]);
    return {
      level: view.getUint32(state + S.LEVEL, true),
      meta: new Uint16Array(memory.buffer.slice(meta, meta + 2 * count)),
      values:
        kind === 'float'
          ? new Float32Array(bytes)
          : kind === 'int64'
            ? new BigInt64Array(bytes)
            : new Uint8Array(bytes),
    };
  }
}

/** Sums of values and squares out of limbs: see the fields of assembly/statistics.ts. */
function intSums(view: DataView, state: number): Pick<ColumnPartial, 'sum' | 'squares'> {
  const limb = (field: number): bigint => view.getBigUint64(state + field, true);
  const pair = (field: number): bigint => limb(field) + (limb(field + 8) << 32n);
  return {
    sum: limb(S.SUM) + (view.getBigInt64(state + S.SUM + 8, true) << 32n),
    squares: pair(S.SQUARES) + (pair(S.SQUARES + 16) << 33n) + (pair(S.SQUARES + 32) << 64n),
  };
}

/** Sums out of the bins of exponents: a value is mantissa x 2^(max(exponent, 1) - 1) units of 2^-149. */
function binSums(kernel: Kernel, bins: number): Pick<ColumnPartial, 'sum' | 'squares'> {
  const { view } = kernel;
  let sum = 0n;
  let squares = 0n;
  for (let exponent = 0; exponent < BINS; exponent++) {
    const bin = bins + exponent * BIN_BYTES;
    const square = view.getBigUint64(bin + 8, true) + (view.getBigUint64(bin + 16, true) << 32n);
    if (square === 0n) continue;
    const shift = BigInt(Math.max(exponent, 1) - 1);
    sum += view.getBigInt64(bin, true) << shift;
    squares += square << (2n * shift);
  }
  return { sum, squares };
}
