import { displayPath, type PartToRead, readPartBlocks } from '../../dataset/index.js';
import type { LossLedger } from '../../records/index.js';
import type { Schema } from '../../records/schema.js';
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
      let left = part.bytes;
      for await (const block of readPartBlocks(part, { signal: this.#signal, policy: this.#ledger })) {
        const meta = new Uint32Array(2 * block.count);
        for (let i = 0; i < block.count; i++) {
          meta[2 * i] = block.lengths[i]!;
          meta[2 * i + 1] = block.crcs![i]!;
        }
        const bytes = block.bytes.slice();
        const inputBytes = Math.min(left, bytes.length);
        left -= inputBytes;
        const chunk = { path: this.#reading, firstLine: 0, offset: block.firstOffset };
        yield { task: { kind: 'records', firstRow, bytes, meta }, chunk, inputBytes };
        firstRow += block.count;
      }
    }
  }
}
