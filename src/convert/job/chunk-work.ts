import { StatisticsCollector } from '../../dataset/statistics-collector.js';
import { buffersOf, mergeStatistics, type PartialStatistics } from '../../dataset/statistics-partial.js';
import type { Batch } from '../../records/batch.js';
import { ExampleDecoder } from '../../records/example-decoder.js';
import { ExampleEncoder } from '../../records/example-encode.js';
import { FRAME_BYTES, HEADER_BYTES } from '../../records/framing.js';
import { C, KernelColumns } from '../../records/kernel/columns.js';
import { Kernel } from '../../records/kernel/kernel.js';
import type { Schema } from '../../records/schema.js';
import type { BadRow } from '../csv/bad-row.js';
import { CsvParser } from '../csv/parser.js';
import type { CsvPlan } from '../csv/plan.js';
import { nativeCrc32c } from './native-crc32c.js';
import { groupByTarget, type RecordsRun } from './records-run.js';
import { Router, type Routing, targetCount } from './routing.js';

const BATCH_ROWS = 1024;

/** All that a worker needs to know before its first task; structured-cloneable. */
export interface WorkPlan {
  readonly schema: Schema;
  /** One for each distinct header of the input files. */
  readonly csv: readonly CsvPlan[];
  readonly routing: Routing;
  readonly statistics: boolean;
}

/** One piece of input, whole CSV rows or columns; or the wish for the statistics of features [from, to) over all pieces. */
export type ChunkTask =
  | {
      readonly kind: 'csv';
      readonly firstRow: number;
      readonly plan: number;
      readonly bytes: Uint8Array;
      /** Memory that the records are put into where it is large enough; other than `bytes` it is the sender's again. */
      room?: SharedArrayBuffer;
    }
  | { readonly kind: 'batch'; readonly firstRow: number; readonly batch: Batch }
  | { readonly kind: 'records'; readonly firstRow: number; readonly bytes: Uint8Array; readonly meta: Uint32Array }
  | { readonly kind: 'statistics'; readonly from: number; readonly to: number };

export interface ChunkResult {
  readonly runs: readonly RecordsRun[];
  readonly records: number;
  readonly bad: readonly BadRow[];
  /** One byte a feature: 1 where some row had no value and no default. */
  readonly missing: Uint8Array;
  /** Only of a `statistics` task. */
  readonly statistics?: PartialStatistics;
}

/** Turns pieces of input into framed Example records, sorted by target. No I/O: it runs in any thread. */
export class ChunkWork {
  readonly #plan: WorkPlan;
  readonly #parsers = new Map<number, Stage & { parser: CsvParser }>();
  #rows: Stage | undefined;
  #decoder: ExampleDecoder | undefined;

  constructor(plan: WorkPlan) {
    this.#plan = plan;
  }

  run(task: ChunkTask): { result: ChunkResult; transfer: ArrayBuffer[] } {
    if (task.kind === 'statistics') {
      const result = this.#statistics(task);
      return { result, transfer: result.statistics === undefined ? [] : buffersOf(result.statistics) };
    }
    const result =
      task.kind === 'csv'
        ? this.#csv(task)
        : task.kind === 'batch'
          ? this.#batch(task.batch, task.firstRow)
          : this.#records(task);
    const buffers = result.runs.flatMap(({ bytes, meta }) => [bytes.buffer, meta.buffer]);
    return { result, transfer: [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer) };
  }

  #csv({ plan, bytes, firstRow, room }: Extract<ChunkTask, { kind: 'csv' }>): ChunkResult {
    let stage = this.#parsers.get(plan);
    if (stage === undefined) {
      const parser = new CsvParser(new Kernel(), this.#plan.csv[plan]!, BATCH_ROWS);
      stage = { parser, ...this.#stage(parser.columns) };
      this.#parsers.set(plan, stage);
    }
    const { parser, out } = stage;
    out.begin(bytes.length, room);
    const bad: BadRow[] = [];
    parser.load(bytes);
    let row = firstRow;
    for (;;) {
      const next = parser.next();
      if (next.rows > 0) out.take(next.rows, row);
      row += next.rows;
      if (next.bad !== undefined) {
        bad.push(next.bad);
        row++;
      }
      if (next.rows === 0 && next.bad === undefined) break;
    }
    return out.finish(bad);
  }

  #batch(batch: Batch, firstRow: number): ChunkResult {
    if (this.#rows === undefined || this.#rows.columns.capacity < batch.size) {
      this.#rows = this.#stage(new KernelColumns(new Kernel(), this.#plan.schema, Math.max(BATCH_ROWS, batch.size)));
    }
    const { columns, out } = this.#rows;
    columns.fromBatch(batch);
    out.begin(256 * batch.size);
    out.take(batch.size, firstRow);
    return out.finish([]);
  }

  /** Framed records pass as they are; their columns are looked at where a key or statistics are wanted. */
  #records({ bytes, meta, firstRow }: Extract<ChunkTask, { kind: 'records' }>): ChunkResult {
    const { schema, routing, statistics } = this.#plan;
    const records = meta.length / 2;
    const result = { records, bad: [], missing: new Uint8Array(schema.features.length) };
    const targets = new Uint32Array(records);
    if (statistics || routing.key !== undefined || routing.splitKey !== undefined) {
      this.#rows ??= this.#stage(new KernelColumns(new Kernel(), schema, BATCH_ROWS));
      const stage = this.#rows;
      let done = 0;
      for (const batch of this.#decode(bytes, meta)) {
        stage.columns.fromBatch(batch);
        stage.statistics?.update(batch.size, firstRow + done);
        stage.router.assign(batch.size, firstRow + done, meta.subarray(2 * done), targets, done);
        done += batch.size;
      }
    } else new Router(routing, undefined).assign(records, firstRow, meta, targets, 0);
    const count = targetCount(routing);
    const runs = count === 1 ? [{ target: 0, bytes, meta }] : groupByTarget(bytes, meta, targets, count);
    return { ...result, runs };
  }

  *#decode(bytes: Uint8Array, meta: Uint32Array): Generator<Batch> {
    const count = meta.length / 2;
    const offsets = new Uint32Array(count);
    const lengths = new Uint32Array(count);
    for (let i = 0, at = HEADER_BYTES; i < count; i++) {
      offsets[i] = at;
      lengths[i] = meta[2 * i]!;
      at += lengths[i]! + FRAME_BYTES;
    }
    this.#decoder ??= new ExampleDecoder(this.#plan.schema, {
      batchSize: BATCH_ROWS,
      int64: 'bigint',
    });
    const decoder = this.#decoder;
    decoder.load({ bytes, offsets, lengths, count, firstRecord: 0, firstOffset: 0 });
    while (decoder.fill()) yield decoder.take();
    if (decoder.rows > 0) yield decoder.take();
  }

  #statistics({ from, to }: Extract<ChunkTask, { kind: 'statistics' }>): ChunkResult {
    const stages = [...this.#parsers.values(), ...(this.#rows === undefined ? [] : [this.#rows])];
    const partials = stages.flatMap(({ statistics }) => (statistics === undefined ? [] : [statistics.read(from, to)]));
    const some = partials.length === 0 ? {} : { statistics: partials.reduce(mergeStatistics) };
    return { runs: [], records: 0, bad: [], missing: new Uint8Array(0), ...some };
  }

  #stage(columns: KernelColumns): Stage {
    const router = new Router(this.#plan.routing, columns);
    const statistics = this.#plan.statistics ? new StatisticsCollector(columns) : undefined;
    const out = new ChunkOutput(columns, router, targetCount(this.#plan.routing), statistics);
    return { columns, router, statistics, out };
  }
}

/** What works on one set of columns. */
interface Stage {
  readonly columns: KernelColumns;
  readonly router: Router;
  readonly statistics: StatisticsCollector | undefined;
  readonly out: ChunkOutput;
}

/** Collects the records of a chunk, batch by batch. */
class ChunkOutput {
  /** Bytes of the records so far. */
  bytes = 0;
  readonly #columns: KernelColumns;
  readonly #encoder: ExampleEncoder;
  readonly #router: Router;
  readonly #targetCount: number;
  readonly #statistics: StatisticsCollector | undefined;
  #records = 0;
  #missing: Uint8Array;
  /** Records in input order; handed out where they have one target only, else kept for the next chunk. */
  #out: Uint8Array = new Uint8Array(0);
  #meta = new Uint32Array(0);
  #targets = new Uint32Array(2048);
  /** Memory for the records sorted by target. */
  #room: SharedArrayBuffer | undefined;

  constructor(columns: KernelColumns, router: Router, targets: number, statistics: StatisticsCollector | undefined) {
    this.#columns = columns;
    this.#encoder = new ExampleEncoder(columns, { longCrc: nativeCrc32c });
    this.#router = router;
    this.#targetCount = targets;
    this.#statistics = statistics;
    this.#missing = new Uint8Array(columns.schema.features.length);
  }

  get #single(): boolean {
    return this.#targetCount === 1;
  }

  /** Starts a chunk that will give about `size` bytes. */
  begin(size: number, room?: SharedArrayBuffer): void {
    const records = this.#records;
    this.bytes = 0;
    this.#records = 0;
    this.#missing = new Uint8Array(this.#columns.schema.features.length); // the last one may be gone to another thread
    this.#room = room;
    if (this.#single) {
      this.#out = room === undefined ? new Uint8Array(size) : new Uint8Array(room);
      this.#meta = new Uint32Array(Math.max(4096, 2 * records + 512));
    }
  }

  /** Encodes the rows that lie in the columns. */
  take(rows: number, firstRow: number): void {
    this.#noteMissing(rows);
    this.#statistics?.update(rows, firstRow);
    const { bytes, meta } = this.#encoder.encode(rows);
    const records = this.#records + rows;
    this.#out = roomFor(this.#out, this.bytes, this.bytes + bytes.length);
    this.#meta = roomFor(this.#meta, 2 * this.#records, 2 * records);
    this.#out.set(bytes, this.bytes);
    this.#meta.set(meta, 2 * this.#records);
    if (!this.#single) {
      this.#targets = roomFor(this.#targets, this.#records, records);
      this.#router.assign(rows, firstRow, meta, this.#targets, this.#records);
    }
    this.bytes += bytes.length;
    this.#records = records;
  }

  finish(bad: readonly BadRow[]): ChunkResult {
    const bytes = this.#out.subarray(0, this.bytes);
    const meta = this.#meta.subarray(0, 2 * this.#records);
    const runs = this.#single
      ? [{ target: 0, bytes, meta }]
      : groupByTarget(bytes, meta, this.#targets.subarray(0, this.#records), this.#targetCount, this.#room);
    return { runs, records: this.#records, bad, missing: this.#missing };
  }

  #noteMissing(rows: number): void {
    const columns = this.#columns;
    for (let i = 0; i < this.#missing.length; i++) {
      if (this.#missing[i] === 1) continue;
      const validity = columns.get(i, C.VALIDITY);
      if (columns.kernel.u8.subarray(validity, validity + rows).indexOf(0) >= 0) this.#missing[i] = 1;
    }
  }
}

/** `array` with its first `used` elements, where it holds at least `wanted`; else a larger copy. */
function roomFor<A extends Uint8Array | Uint32Array>(array: A, used: number, wanted: number): A {
  if (wanted <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => A)(Math.ceil(Math.max(wanted, array.length * 1.5)));
  larger.set(array.subarray(0, used));
  return larger;
}
