import { mapOrdered } from '../../dataset/map-ordered.js';
import type { PartSummary } from './part-writer.js';
import type { RecordCount } from './record-count.js';
import { framedBytes, type Records, type RecordsRun, sliceRecords } from './records-run.js';
import type { Again, Part } from './rewritten-part.js';
import type { Spool } from './spool.js';

/** Opens part `index` of split `split`. `again` gives the records that it will have had, where they can be had again. */
export type OpenPart = (split: number, index: number, again?: () => AsyncIterable<Records>) => Promise<Part>;

/** Takes runs in input order and makes part files of them. */
export interface Sink {
  /** Once it resolves, the run's memory is the caller's again. */
  add(run: RecordsRun): Promise<void>;
  /** Closes all parts; `summaries[split]` lists them in order. */
  finish(): Promise<PartSummary[][]>;
  /** Frees what the sink holds; parts that are open stay to the commit's abort. */
  dispose(): Promise<void>;
}

/** Where a range ends: after its share of all records, or when it holds `bytes`. */
export type Cut = { parts: number; records: RecordCount } | { bytes: number };

/** Parts that are closed or gathered side by side: most of the time goes into making files durable. */
const PARTS_AT_ONCE = 8;

/** Parts one after the other, in the order of the records: a `target` is a split. */
export class RangeSink implements Sink {
  readonly #ranges: RangeWriter[];

  /** @param again gives the records of a target again */
  constructor(open: OpenPart, cuts: readonly Cut[], again?: (target: number, from: number) => AsyncIterable<Records>) {
    this.#ranges = cuts.map(
      (cut, split) => new RangeWriter(open, split, cut, again && ((from: number) => again(split, from))),
    );
  }

  add({ target, bytes, meta }: RecordsRun): Promise<void> {
    return this.#ranges[target]!.append(bytes, meta);
  }
  async finish(): Promise<PartSummary[][]> {
    const splits: PartSummary[][] = [];
    for (const range of this.#ranges) splits.push(await range.close());
    return splits;
  }
  async dispose(): Promise<void> {}
}

/** Cuts one stream of records into parts. One part is open at a time; closing (fsync) overlaps with the next. */
export class RangeWriter {
  readonly #open: OpenPart;
  readonly #split: number;
  readonly #cut: Cut;
  readonly #again: Again | undefined;
  readonly #closing: Promise<PartSummary>[] = [];
  #part: Part | undefined;
  #index = 0;
  #records = 0;
  #partBytes = 0;

  /** @param again gives the stream's records again */
  constructor(open: OpenPart, split: number, cut: Cut, again?: Again) {
    this.#open = open;
    this.#split = split;
    this.#cut = cut;
    this.#again = again;
  }

  async append(bytes: Uint8Array, meta: Uint32Array): Promise<void> {
    const count = meta.length / 2;
    let from = 0;
    let at = 0;
    while (from < count) {
      const to = await this.#fit(meta, from, count);
      const end = to === count ? bytes.length : at + framedBytes(meta, from, to);
      if (to > from) {
        this.#part ??= await this.#begin();
        await this.#part.append(bytes.subarray(at, end), meta.subarray(2 * from, 2 * to));
        this.#records += to - from;
        this.#partBytes += end - at;
      }
      if (to < count) await this.#next();
      from = to;
      at = end;
    }
  }

  async close(): Promise<PartSummary[]> {
    const parts =
      'parts' in this.#cut ? this.#cut.parts : Math.max(1, this.#index + (this.#part === undefined ? 0 : 1));
    while (this.#index < parts) await this.#next();
    return Promise.all(this.#closing);
  }

  /**
   * The end of the records from `from` on that belong to the open part. While records are still counted its end is not
   * known, but never before the one that so many would have: what lies below that need not wait.
   */
  async #fit(meta: Uint32Array, from: number, count: number): Promise<number> {
    if ('parts' in this.#cut) {
      const { parts, records } = this.#cut;
      const next = this.#index + 1;
      if (next >= parts) return count;
      for (;;) {
        const to = from + Math.max(0, Math.floor((next * records.atLeast) / parts) - this.#records);
        if (to >= count || records.exact) return Math.min(count, to);
        await records.grown();
      }
    }
    let bytes = this.#partBytes;
    let to = from;
    while (to < count && (bytes === 0 || bytes < this.#cut.bytes)) bytes += framedBytes(meta, to, ++to);
    return to;
  }

  #begin(): Promise<Part> {
    const again = this.#again;
    const first = this.#records;
    return this.#open(this.#split, this.#index, again && (() => again(first)));
  }

  async #next(): Promise<void> {
    const part = this.#part ?? (await this.#begin());
    const closed = part.close();
    closed.catch(() => {}); // reported by close()
    this.#closing.push(closed);
    if (this.#closing.length > PARTS_AT_ONCE) await this.#closing[this.#closing.length - PARTS_AT_ONCE];
    this.#part = undefined;
    this.#partBytes = 0;
    this.#index++;
  }
}

/** All parts open at once: a `target` is split x parts + part. */
export class DirectSink implements Sink {
  readonly #open: OpenPart;
  readonly #parts: number;
  readonly #writers: (Part | undefined)[];

  constructor(open: OpenPart, splits: number, parts: number) {
    this.#open = open;
    this.#parts = parts;
    this.#writers = new Array(splits * parts).fill(undefined);
  }

  async add({ target, bytes, meta }: RecordsRun): Promise<void> {
    await (await this.#writer(target)).append(bytes, meta);
  }
  async finish(): Promise<PartSummary[][]> {
    const splits: PartSummary[][] = [];
    for (let t = 0; t < this.#writers.length; t++) {
      const split = Math.floor(t / this.#parts);
      splits[split] ??= [];
      splits[split].push(await (await this.#writer(t)).close());
    }
    return splits;
  }
  async dispose(): Promise<void> {}

  async #writer(target: number): Promise<Part> {
    this.#writers[target] ??= await this.#open(Math.floor(target / this.#parts), target % this.#parts);
    return this.#writers[target];
  }
}

/** Spools first, bucket by bucket; a `target` is split x buckets + bucket. `gather` makes the parts of one split. */
export class SpoolSink implements Sink {
  readonly #spool: Spool;
  readonly #splits: number;
  readonly #gather: (spool: Spool, split: number) => Promise<PartSummary[]>;

  constructor(spool: Spool, splits: number, gather: (spool: Spool, split: number) => Promise<PartSummary[]>) {
    this.#spool = spool;
    this.#splits = splits;
    this.#gather = gather;
  }

  add(run: RecordsRun): Promise<void> {
    return this.#spool.add(run);
  }
  async finish(): Promise<PartSummary[][]> {
    const splits: PartSummary[][] = [];
    for (let split = 0; split < this.#splits; split++) splits.push(await this.#gather(this.#spool, split));
    return splits;
  }
  dispose(): Promise<void> {
    return this.#spool.close();
  }
}

/** Gathers each bucket of a split into the part of the same number. */
export async function gatherParts(spool: Spool, open: OpenPart, split: number, parts: number): Promise<PartSummary[]> {
  async function* indices(): AsyncGenerator<number> {
    for (let index = 0; index < parts; index++) yield index;
  }
  const gather = async (index: number): Promise<PartSummary> => {
    const stream = () => spool.records(split * parts + index);
    const part = await open(split, index, stream);
    for await (const { bytes, meta } of stream()) await part.append(bytes, meta);
    return part.close();
  };
  const summaries: PartSummary[] = [];
  for await (const summary of mapOrdered(indices(), gather, PARTS_AT_ONCE)) summaries.push(summary);
  return summaries;
}

/** Gathers a stream that can be had again into ranges. */
export async function gatherRanges(stream: Again, open: OpenPart, split: number, cut: Cut): Promise<PartSummary[]> {
  const writer = new RangeWriter(open, split, cut, stream);
  for await (const { bytes, meta } of stream(0)) await writer.append(bytes, meta);
  return writer.close();
}

/** The records of one bucket. */
export function bucketStream(spool: Spool, bucket: number): Again {
  return (from) => sliceRecords(spool.records(bucket), from);
}
