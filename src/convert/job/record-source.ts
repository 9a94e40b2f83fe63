import { displayPath, type PartToRead, readPartBlocks } from '../../dataset/index.js';
import { LossLedger } from '../../records/index.js';
import type { Schema } from '../../records/schema.js';
import { type Records, sliceRecords } from './records-run.js';
import type { Source, SourcedTask } from './source.js';

/** The parts of datasets, compressed or not; every record is verified and passes as it is. */
export class RecordSource implements Source {
  readonly schema: Schema | undefined;
  readonly csv = [];
  readonly totalBytes: number;
  readonly #parts: readonly PartToRead[];
  readonly #ledger: LossLedger;
  readonly #signal: AbortSignal | undefined;
  #reading = '';
  /** Ordinals of the first rows of the parts that were begun. */
  readonly #firstRows: number[] = [];

  constructor(
    parts: readonly PartToRead[],
    schema: Schema | undefined,
    ledger: LossLedger,
    signal: AbortSignal | undefined,
  ) {
    this.schema = schema;
    this.totalBytes = parts.reduce((n, part) => n + part.bytes, 0);
    this.#parts = parts;
    this.#ledger = ledger;
    this.#signal = signal;
  }

  /** The part that is being read. */
  get reading(): string {
    return this.#reading;
  }

  async *tasks(): AsyncGenerator<SourcedTask> {
    let firstRow = 0;
    for (const part of this.#parts) {
      this.#reading = displayPath(part);
      this.#firstRows.push(firstRow);
      let left = part.bytes;
      for await (const { bytes, meta, offset } of this.#read(part, this.#ledger)) {
        const inputBytes = Math.min(left, bytes.length);
        left -= inputBytes;
        const chunk = { path: this.#reading, firstLine: 0, offset };
        yield { task: { kind: 'records', firstRow, bytes, meta }, chunk, inputBytes };
        firstRow += meta.length / 2;
      }
    }
  }

  /** What was lost is lost again, and was reported. */
  async *again(firstRow: number): AsyncGenerator<Pick<SourcedTask, 'task'>> {
    const ledger = new LossLedger(this.#ledger.strict ? 'error' : 'skip');
    let first = Math.max(
      0,
      this.#firstRows.findLastIndex((row) => row <= firstRow),
    );
    let row = this.#firstRows[first] ?? 0;
    for (; first < this.#parts.length; first++) {
      const from = Math.max(0, firstRow - row);
      row = Math.max(row, firstRow);
      for await (const { bytes, meta } of sliceRecords(this.#read(this.#parts[first]!, ledger), from)) {
        yield { task: { kind: 'records', firstRow: row, bytes, meta } };
        row += meta.length / 2;
      }
    }
  }

  async *#read(part: PartToRead, policy: LossLedger): AsyncGenerator<Records & { offset: number }> {
    for await (const block of readPartBlocks(part, { signal: this.#signal, policy })) {
      const meta = new Uint32Array(2 * block.count);
      for (let i = 0; i < block.count; i++) {
        meta[2 * i] = block.lengths[i]!;
        meta[2 * i + 1] = block.crcs![i]!;
      }
      yield { bytes: block.bytes.slice(), meta, offset: block.firstOffset };
    }
  }
}
