import { type Batch, type Column, isValid } from '../records/batch.js';
import { DISTINCT_REGISTERS, noteDistinct } from '../records/distinct.js';
import { type Feature, type FeatureKind, type Schema, widthOf } from '../records/schema.js';
import { xxh64 } from '../records/xxh64.js';
import {
  blockRowsOf,
  type ColumnPartial,
  type Held,
  IN_BLOCK_LEVELS,
  limitsFor,
  type PartialStatistics,
  RECORD_BYTES,
  RECORD_PREFIX,
  type StatisticsLimits,
} from './statistics-partial.js';

const RUN = 256;
const BLOCK_VALUES = 1024;
const MAX_LEVEL = 31;
const BLOCK_SEED = 0x626c6f636bn;
const GRID_SEED = 0x67726964n;

type Value = number | bigint | Uint8Array;
interface Item {
  value: Value;
  hash: bigint;
  meta: number;
}

/**
 * The plain twin of assembly/statistics.ts: what the kernel's collector must give for the same calls, in no particular
 * order of sample items. Batches must hold int64 as bigint. Slow; an oracle for tests.
 */
export class StatisticsTwin {
  readonly #schema: Schema;
  readonly #limits: StatisticsLimits;
  readonly #columns: TwinColumn[];
  #rows = 0;

  constructor(schema: Schema, limits: StatisticsLimits = limitsFor(schema.features.length)) {
    this.#schema = schema;
    this.#limits = limits;
    this.#columns = schema.features.map((feature) => new TwinColumn(feature, limits));
  }

  update(batch: Batch, firstOrdinal: number): void {
    this.#rows += batch.size;
    this.#schema.features.forEach((feature, i) => {
      this.#columns[i]!.update(batch.columns[feature.name]!, batch.size, BigInt(firstOrdinal));
    });
  }

  read(): PartialStatistics {
    return { rows: this.#rows, limits: this.#limits, columns: this.#columns.map((column) => column.read()) };
  }
}

class TwinColumn {
  readonly #kind: FeatureKind;
  readonly #width: number;
  readonly #limits: StatisticsLimits;
  readonly #counts = new Map<bigint, { value: Value; hash: bigint; count: number }>();
  readonly #registers = new Uint8Array(DISTINCT_REGISTERS);
  readonly #special = { nan: 0, positiveInfinity: 0, negativeInfinity: 0 };
  #missing = 0;
  #values = 0;
  #lists: number[] = [];
  #min: number | bigint | undefined;
  #max: number | bigint | undefined;
  #sum = 0n;
  #squares = 0n;
  #level = 0;
  #items: Item[] = [];

  constructor(feature: Feature, limits: StatisticsLimits) {
    this.#kind = feature.kind;
    this.#width = widthOf(feature);
    this.#limits = limits;
  }

  update(column: Column, rows: number, ordinal: bigint): void {
    const blocks = Math.ceil(rows / blockRowsOf(this.#width));
    for (let i = 0; i < blocks; i++) {
      const from = Math.floor((i * rows) / blocks);
      this.#block(column, from, Math.floor(((i + 1) * rows) / blocks), ordinal + BigInt(from));
    }
  }

  #block(column: Column, from: number, to: number, ordinal: bigint): void {
    const values: Value[] = [];
    for (let row = from; row < to; row++) {
      if (!isValid(column, row)) {
        this.#missing++;
        continue;
      }
      const list = listOf(column, row, this.#width);
      this.#lists = [Math.min(list.length, ...this.#lists), Math.max(list.length, ...this.#lists)];
      values.push(...list);
    }
    this.#values += values.length;
    let strideLog4 = 0;
    while (strideLog4 < 7 && values.length / 4 ** strideLog4 > BLOCK_VALUES) strideLog4++;
    const stride = 4 ** strideLog4;
    const meta = (strideLog4 << 8) | (to - from - 1);
    let mixed = xxh64(le(ordinal), BLOCK_SEED);
    const grid = gridOf(ordinal, to - from, blockRowsOf(this.#width));
    let start = grid?.start ?? Number(mixed & 255n);
    let skip = Number(mixed >> 32n) & (stride - 1);
    let run: { value: Value; hash: bigint }[] = [];
    for (const value of values) {
      const hash = this.#count(value);
      if (hash === undefined || skip-- > 0) continue;
      skip = stride - 1;
      run.push({ value, hash });
      if (run.length === RUN) {
        this.#sample(run, start, grid?.level ?? 0, meta);
        mixed = xxh64(le(mixed), BLOCK_SEED);
        start = Number(mixed & 255n);
        run = [];
      }
    }
    this.#sample(run, start, grid?.level ?? 0, meta);
  }

  /** The value's hash; undefined if it is no finite number. */
  #count(value: Value): bigint | undefined {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      if (Number.isNaN(value)) this.#special.nan++;
      else if (value > 0) this.#special.positiveInfinity++;
      else this.#special.negativeInfinity++;
      return undefined;
    }
    const size = value instanceof Uint8Array ? value.length : value;
    if (this.#min === undefined || size < this.#min) this.#min = size;
    if (this.#max === undefined || size > this.#max) this.#max = size;
    const exact = typeof value === 'number' ? inUnits(value) : BigInt(size);
    this.#sum += exact;
    if (this.#kind !== 'bytes') this.#squares += exact * exact;
    const hash = hashOf(this.#kind, value);
    const named = hash === 0n ? 1n : hash;
    const entry = this.#counts.get(named);
    if (entry === undefined) this.#counts.set(named, { value, hash, count: 1 });
    else entry.count++;
    noteDistinct(this.#registers, hash);
    return hash;
  }

  #sample(run: { value: Value; hash: bigint }[], start: number, grid: number, meta: number): void {
    const order = run.map((item, i) => ({ ...item, i }));
    if (this.#kind === 'bytes') order.sort((a, b) => Number((a.hash >> 40n) - (b.hash >> 40n)) || a.i - b.i);
    else order.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
    order.forEach(({ value, hash }, rank) => {
      let last = 0;
      while (last < IN_BLOCK_LEVELS && ((rank ^ start) >> last) % 2 === 0) last++;
      if (last === IN_BLOCK_LEVELS) last += grid;
      this.#items.push({ value, hash, meta: (last << 11) | meta });
    });
    const cap = this.#kind === 'bytes' ? this.#limits.bytes : this.#limits.numbers;
    for (;;) {
      this.#items = this.#items.filter((item) => item.meta >> 11 >= this.#level);
      if (this.#items.length <= cap) break;
      this.#level++;
    }
  }

  read(): ColumnPartial {
    const full = this.#counts.size > this.#limits.entries;
    const entries = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    const nothing = this.#kind === 'int64' ? undefined : Number.POSITIVE_INFINITY;
    return {
      kind: this.#kind,
      missing: this.#missing,
      values: this.#values,
      ...this.#special,
      min: this.#min ?? nothing,
      max: this.#max ?? (nothing === undefined ? nothing : -nothing),
      listMin: this.#lists[0] ?? Number.POSITIVE_INFINITY,
      listMax: this.#lists[1] ?? 0,
      sum: this.#sum,
      squares: this.#squares,
      dictionary: full
        ? undefined
        : {
            hashes: BigUint64Array.from(entries, ([hash]) => hash),
            counts: Float64Array.from(entries, ([, { count }]) => count),
            values: held(
              this.#kind,
              entries.map(([, entry]) => entry),
            ),
          },
      registers: full ? this.#registers : undefined,
      sample: {
        level: this.#level,
        meta: Uint16Array.from(this.#items, ({ meta }) => meta),
        values: held(this.#kind, this.#items),
      },
    };
  }
}

function listOf(column: Column, row: number, width: number): Value[] {
  const rowOffsets =
    column.layout === 'bytes' ? column.rowOffsets : column.layout === 'ragged' ? column.offsets : undefined;
  const [from, to] =
    rowOffsets === undefined ? [row * width, (row + 1) * width] : [rowOffsets[row]!, rowOffsets[row + 1]!];
  const list: Value[] = [];
  for (let i = from; i < to; i++) {
    if (column.layout === 'bytes') list.push(column.data.subarray(column.offsets[i]!, column.offsets[i + 1]!));
    else list.push(typeof column.values[i] === 'number' ? (column.values[i] as number) + 0 : column.values[i]!);
  }
  return list;
}

/** The levels of the grid that a block belongs to, and the rank kept at the last; undefined for one without a point. */
function gridOf(ordinal: bigint, rows: number, blockRows: number): { level: number; start: number } | undefined {
  const half = BigInt(blockRows >> 1);
  const step = BigInt(blockRows);
  const cell = (ordinal + step - 1n - half) / step;
  if (cell * step + half >= ordinal + BigInt(rows)) return undefined;
  const defeats: number[] = [];
  for (let level = 0; level < 24; level++) {
    const firstOfFour = level & ~3;
    const winners = xxh64(le(cell >> BigInt(firstOfFour + 4)), GRID_SEED + BigInt(firstOfFour));
    const pair = Number((cell >> BigInt(level + 1)) & BigInt((8 >> (level & 3)) - 1));
    const winner = Number((winners >> BigInt((8 >> (level & 3)) + pair)) & 1n);
    if (winner !== Number((cell >> BigInt(level)) & 1n)) defeats.push(level);
  }
  let start = 0;
  // An odd binomial coefficient: the bits of the lower number are among those of the upper one.
  for (let row = 0; row < 8; row++)
    if (defeats.filter((column) => (column & row) === row).length % 2 === 1) start |= 128 >> row;
  return { level: Math.min(defeats[0] ?? MAX_LEVEL, MAX_LEVEL - IN_BLOCK_LEVELS), start };
}

function le(value: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([value]).buffer);
}

function hashOf(kind: FeatureKind, value: Value): bigint {
  if (value instanceof Uint8Array) return xxh64(value);
  if (kind === 'int64') return xxh64(le(BigInt.asUintN(64, value as bigint)));
  return xxh64(new Uint8Array(new Float32Array([value as number]).buffer));
}

/** A float32 in units of 2^-149. */
function inUnits(value: number): bigint {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  const exponent = (bits >>> 23) & 255;
  const mantissa = BigInt((bits & 0x7fffff) | (exponent === 0 ? 0 : 0x800000));
  const magnitude = mantissa << BigInt(Math.max(exponent - 1, 0));
  return bits >>> 31 === 1 ? -magnitude : magnitude;
}

function held(kind: FeatureKind, items: readonly { value: Value; hash: bigint }[]): Held {
  if (kind === 'float') return Float32Array.from(items, ({ value }) => value as number);
  if (kind === 'int64') return BigInt64Array.from(items, ({ value }) => value as bigint);
  const out = new Uint8Array(items.length * RECORD_BYTES);
  const view = new DataView(out.buffer);
  items.forEach(({ value, hash }, i) => {
    const bytes = value as Uint8Array;
    view.setBigUint64(i * RECORD_BYTES, hash, true);
    view.setUint32(i * RECORD_BYTES + 8, bytes.length, true);
    out.set(bytes.subarray(0, RECORD_PREFIX), i * RECORD_BYTES + 12);
  });
  return out;
}
