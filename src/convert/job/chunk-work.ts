import { mergeStatistics, type PartialStatistics, StatisticsCollector } from '../../dataset/statistics.js';
import type { Batch } from '../../records/batch.js';
import { ExampleDecoder } from '../../records/example-decoder.js';
import { ExampleEncoder } from '../../records/example-encode.js';
import { FRAME_BYTES, HEADER_BYTES } from '../../records/framing.js';
import { C, KernelColumns } from '../../records/kernel/columns.js';
import { Kernel } from '../../records/kernel/kernel.js';
import type { Schema } from '../../records/schema.js';
import { type BadRow, CsvParser, type CsvPlan } from '../csv/index.js';
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

/** One piece of input, whole CSV rows or columns; or the wish for the statistics of all pieces so far. */
export type ChunkTask =
  | {
      readonly kind: 'csv';
      readonly firstRow: number;
      readonly plan: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** Memory that the records may be put into. */
      room?: ArrayBuffer | undefined;
    }
  | { readonly kind: 'batch'; readonly firstRow: number; readonly batch: Batch }
  | { readonly kind: 'records'; readonly firstRow: number; readonly bytes: Uint8Array; readonly meta: Uint32Array }
  | { readonly kind: 'statistics' };

export interface ChunkResult {
  readonly runs: readonly RecordsRun[];
  readonly records: number;
  readonly bad: readonly BadRow[];
  /** One byte a feature: 1 where some row had no value and no default. */
  readonly missing: Uint8Array;
  /** Memory that serves again once the runs are written. */
  readonly spare: readonly ArrayBuffer[];
  /** Only of a `statistics` task. */
  readonly statistics?: PartialStatistics;
}

/** Turns pieces of input into framed Example records, sorted by target. No I/O: it runs in any thread. */
export class ChunkWork {
  readonly #plan: WorkPlan;
  readonly #parsers = new Map<number, Stage & { parser: CsvParser }>();
  #rows: Stage | undefined;
  #decoder: ExampleDecoder | undefined;
  /** Framed bytes per input byte, learnt from the last chunk, to size the next. */
  #ratio = 4;

  constructor(plan: WorkPlan) {
    this.#plan = plan;
  }

  run(task: ChunkTask): { result: ChunkResult; transfer: ArrayBuffer[] } {
    if (task.kind === 'statistics') return { result: this.#statistics(), transfer: [] };
    const result =
      task.kind === 'csv'
        ? this.#csv(task)
        : task.kind === 'batch'
          ? this.#batch(task.batch, task.firstRow)
          : this.#records(task);
    const transfer = new Set<ArrayBuffer>([result.missing.buffer as ArrayBuffer, ...result.spare]);
    for (const run of result.runs) {
      transfer.add(run.bytes.buffer as ArrayBuffer);
      transfer.add(run.meta.buffer as ArrayBuffer);
    }
    return { result, transfer: [...transfer] };
  }

  #csv({ plan, bytes, firstRow, room }: Extract<ChunkTask, { kind: 'csv' }>): ChunkResult {
    let stage = this.#parsers.get(plan);
    if (stage === undefined) {
      const parser = new CsvParser(new Kernel(), this.#plan.csv[plan]!, BATCH_ROWS);
      stage = { parser, ...this.#stage(parser.columns) };
      this.#parsers.set(plan, stage);
    }
    const { parser } = stage;
    const out = new ChunkOutput(this.#plan, stage, Math.ceil(bytes.length * this.#ratio) + 4096, room);
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
    const result = out.finish(bad, bytes.buffer);
    if (bytes.length > 0) this.#ratio = (1.02 * out.bytes) / bytes.length;
    return result;
  }

  #batch(batch: Batch, firstRow: number): ChunkResult {
    if (this.#rows === undefined || this.#rows.columns.capacity < batch.size) {
      this.#rows = this.#stage(new KernelColumns(new Kernel(), this.#plan.schema, Math.max(BATCH_ROWS, batch.size)));
    }
    const out = new ChunkOutput(this.#plan, this.#rows, 256 * batch.size);
    this.#rows.columns.fromBatch(batch);
    out.take(batch.size, firstRow);
    return out.finish([]);
  }

  /** Framed records pass as they are; their columns are looked at where a key or statistics are wanted. */
  #records({ bytes, meta, firstRow }: Extract<ChunkTask, { kind: 'records' }>): ChunkResult {
    const { schema, routing, statistics } = this.#plan;
    const records = meta.length / 2;
    const result = { records, bad: [], missing: new Uint8Array(schema.features.length), spare: [] };
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

  #statistics(): ChunkResult {
    const stages = [...this.#parsers.values(), ...(this.#rows === undefined ? [] : [this.#rows])];
    const partials = stages.flatMap(({ statistics }) => (statistics === undefined ? [] : [statistics.take()]));
    const some = partials.length === 0 ? {} : { statistics: partials.reduce(mergeStatistics) };
    return { runs: [], records: 0, bad: [], missing: new Uint8Array(0), spare: [], ...some };
  }

  #stage(columns: KernelColumns): Stage {
    const statistics = this.#plan.statistics ? new StatisticsCollector(columns) : undefined;
    return {
      columns,
      encoder: new ExampleEncoder(columns),
      router: new Router(this.#plan.routing, columns),
      statistics,
    };
  }
}

/** What works on one set of columns. */
interface Stage {
  readonly columns: KernelColumns;
  readonly encoder: ExampleEncoder;
  readonly router: Router;
  readonly statistics: StatisticsCollector | undefined;
}

/** Collects the records of one chunk. */
class ChunkOutput {
  readonly #plan: WorkPlan;
  readonly #stage: Stage;
  readonly #missing: Uint8Array;
  #out: Uint8Array<ArrayBuffer>;
  #meta = new Uint32Array(4096);
  #targets = new Uint32Array(2048);
  #records = 0;
  bytes = 0;

  constructor(plan: WorkPlan, stage: Stage, sizeHint: number, room?: ArrayBuffer) {
    this.#plan = plan;
    this.#stage = stage;
    this.#out = room === undefined ? new Uint8Array(sizeHint) : new Uint8Array(room);
    this.#missing = new Uint8Array(plan.schema.features.length);
  }

  /** Encodes the rows that lie in the columns. */
  take(rows: number, firstRow: number): void {
    const { encoder, router, statistics } = this.#stage;
    this.#noteMissing(rows);
    statistics?.update(rows, firstRow);
    const { bytes, meta } = encoder.encode(rows);
    this.#reserve(bytes.length, rows);
    this.#out.set(bytes, this.bytes);
    this.#meta.set(meta, 2 * this.#records);
    if (!router.single) router.assign(rows, firstRow, meta, this.#targets, this.#records);
    this.bytes += bytes.length;
    this.#records += rows;
  }

  /** `spare` is input that is done with. */
  finish(bad: readonly BadRow[], ...spare: ArrayBuffer[]): ChunkResult {
    const bytes = this.#out.subarray(0, this.bytes);
    const meta = this.#meta.subarray(0, 2 * this.#records);
    const { router } = this.#stage;
    const runs = router.single
      ? this.#records > 0
        ? [{ target: 0, bytes, meta }]
        : []
      : groupByTarget(bytes, meta, this.#targets.subarray(0, this.#records), targetCount(this.#plan.routing));
    return { runs, records: this.#records, bad, missing: this.#missing, spare: [...spare, this.#out.buffer] };
  }

  #noteMissing(rows: number): void {
    const { columns } = this.#stage;
    for (let i = 0; i < this.#missing.length; i++) {
      if (this.#missing[i] === 1) continue;
      const validity = columns.get(i, C.VALIDITY);
      if (columns.kernel.u8.subarray(validity, validity + rows).indexOf(0) >= 0) this.#missing[i] = 1;
    }
  }

  #reserve(bytes: number, rows: number): void {
    if (this.bytes + bytes > this.#out.length)
      this.#out = grown(this.#out, Math.max(this.bytes + bytes, this.#out.length * 1.5));
    const records = this.#records + rows;
    if (2 * records > this.#meta.length) this.#meta = grown(this.#meta, Math.max(2 * records, this.#meta.length * 2));
    if (records > this.#targets.length)
      this.#targets = grown(this.#targets, Math.max(records, this.#targets.length * 2));
  }
}

function grown<A extends Uint8Array | Uint32Array>(from: A, length: number): A {
  const to = new (from.constructor as new (length: number) => A)(Math.ceil(length));
  to.set(from);
  return to;
}
