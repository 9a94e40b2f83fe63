import { readFileBlocks } from '../../dataset/index.js';
import { type CorruptionPolicy, type Loss, LossLedger } from '../../records/index.js';
import type { Schema } from '../../records/schema.js';
import type { InputFile, Source, SourcedTask } from './source.js';

export interface RecordSourceOptions {
  readonly policy: CorruptionPolicy;
  readonly onLoss: (loss: Loss) => void;
  readonly signal: AbortSignal | undefined;
}

/** TFRecord files, compressed or not; every record is verified and passes as it is. */
export class RecordSource implements Source {
  readonly schema: Schema | undefined;
  readonly csv = [];
  readonly totalBytes: number;
  readonly #files: readonly InputFile[];
  readonly #options: RecordSourceOptions;

  constructor(files: readonly InputFile[], schema: Schema | undefined, options: RecordSourceOptions) {
    this.schema = schema;
    this.totalBytes = files.reduce((n, file) => n + file.size, 0);
    this.#files = files;
    this.#options = options;
  }

  async *tasks(): AsyncGenerator<SourcedTask> {
    const { onLoss, signal } = this.#options;
    const policy = new LossLedger(this.#options.policy, onLoss);
    const some = signal === undefined ? {} : { signal };
    let firstRow = 0;
    for (const file of this.#files) {
      let left = file.size;
      for await (const block of readFileBlocks(file, { ...some, policy })) {
        const meta = new Uint32Array(2 * block.count);
        for (let i = 0; i < block.count; i++) {
          meta[2 * i] = block.lengths[i]!;
          meta[2 * i + 1] = block.crcs![i]!;
        }
        const bytes = block.bytes.slice();
        const inputBytes = Math.min(left, bytes.length);
        left -= inputBytes;
        const chunk = { path: file.uri, firstLine: 0, offset: block.firstOffset };
        yield { task: { kind: 'records', firstRow, bytes, meta }, chunk, inputBytes };
        firstRow += block.count;
      }
    }
  }
}
