import {
  collectStatistics,
  displayPath,
  encodeIndex,
  encodeManifest,
  indexName,
  makeManifest,
  type StatisticsJson,
} from '../../dataset/index.js';
import { throwIfAborted } from '../../errors.js';
import {
  type CreateOptions,
  compressWriter,
  type DatasetCommit,
  gzipMemberWriter,
  joinPath,
  openFiles,
} from '../../files/index.js';
import type { Schema } from '../../records/schema.js';
import type { CheckedOptions } from '../options.js';
import { type ClosedPart, type PartSummary, PartWriter } from './part-writer.js';
import type { Records } from './records-run.js';
import { type Part, RewrittenPart } from './rewritten-part.js';

const SUFFIX = { none: '', gzip: '.gz', zlib: '.deflate' } as const;
const WHOLE = '';

/** What was made of one dataset: the output, or one split of it. */
export interface DatasetSummary {
  /** Name of the split; empty without splits. */
  readonly split: string;
  readonly records: number;
  /** Bytes of the part files. */
  readonly bytes: number;
  readonly fingerprint: string;
  readonly parts: readonly { readonly path: string; readonly bytes: number; readonly records: number }[];
}

/** A job's output that has appeared. */
export interface Finished {
  readonly datasets: readonly DatasetSummary[];
  /** What the job had beside it, such as the replaced dataset, and could not delete. */
  readonly left: readonly string[];
}

/** The files of a job's output, in its staging folder: parts, and beside them indexes, manifests and `_SUCCESS`. */
export class DatasetOutput {
  readonly #commit: DatasetCommit;
  readonly #options: CheckedOptions;
  readonly #splits: readonly string[];

  constructor(commit: DatasetCommit, options: CheckedOptions) {
    this.#commit = commit;
    this.#options = options;
    this.#splits = options.split === undefined ? [WHOLE] : Object.keys(options.split);
  }

  /** `again` gives the records that the part will have had, should writing it be interrupted. */
  async openPart(split: number, index: number, again?: () => AsyncIterable<Records>): Promise<Part> {
    const { fs, call, path } = this.#commit;
    if (fs.capabilities.interruptibleWrites !== true || again === undefined) return this.#openPart(split, index);
    let overwrite = false;
    const open = (signal: AbortSignal): Promise<PartWriter> => {
      const opened = this.#openPart(split, index, { overwrite, signal });
      overwrite = true;
      return opened;
    };
    const name = `${this.#folder(split)}${partName(index, this.#options)}`;
    return new RewrittenPart(displayPath({ fs, path: joinPath(path, name) }), open, again, call);
  }

  async #openPart(split: number, index: number, options: CreateOptions = {}): Promise<PartWriter> {
    const { compression, memberBytes } = this.#options;
    const name = partName(index, this.#options);
    const file = await this.#commit.create(`${this.#folder(split)}${name}`, options);
    const target =
      compression === 'gzip' && memberBytes > 0
        ? { writer: gzipMemberWriter(file), memberBytes }
        : { writer: compressWriter(file, compression) };
    return new PartWriter(name, target, (part) => this.#writeIndex(this.#folder(split), part));
  }

  /** One dataset, so that statistics of all records are its statistics. */
  get whole(): boolean {
    return this.#options.split === undefined;
  }

  /**
   * Writes what stands beside the parts, and makes the dataset appear.
   * @param statistics of the whole dataset; `'collect'` reads the parts of each split once more for its own
   */
  async finish(
    parts: readonly (readonly PartSummary[])[],
    schema: Schema | undefined,
    statistics: StatisticsJson | 'collect' | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Finished> {
    const datasets: DatasetSummary[] = [];
    let manifest = '';
    for (const [split, list] of parts.entries()) {
      const folder = this.#folder(split);
      const made = makeManifest({
        parts: list.map(({ name, bytes, records, digest }) => ({
          path: name,
          bytes,
          records,
          digest,
          compression: this.#options.compression,
        })),
        schema,
        ...(await this.#statistics(folder, list, schema, statistics, signal)),
        job: this.#job(split),
      });
      manifest = encodeManifest(made);
      if (folder !== WHOLE) {
        await this.#commit.write(`${folder}_manifest.json`, manifest);
        await this.#commit.write(`${folder}_SUCCESS`, '');
      }
      datasets.push({
        split: this.#splits[split]!,
        records: made.records,
        bytes: list.reduce((n, part) => n + part.bytes, 0),
        fingerprint: made.fingerprint,
        parts: list.map(({ name, bytes, records }) => ({ path: `${folder}${name}`, bytes, records })),
      });
    }
    throwIfAborted(signal);
    const { left } = await this.#commit.commit(this.whole ? { manifest } : {});
    return { datasets, left: left.map((path) => displayPath({ fs: this.#commit.fs, path })) };
  }

  async #statistics(
    folder: string,
    parts: readonly PartSummary[],
    schema: Schema | undefined,
    statistics: StatisticsJson | 'collect' | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ statistics?: StatisticsJson }> {
    if (statistics === undefined || schema === undefined) return {};
    if (statistics !== 'collect') return { statistics };
    const { fs, staging } = this.#commit;
    const files = openFiles({ drivers: { [fs.scheme]: fs } });
    const uris = parts.map(({ name }) => displayPath({ fs, path: joinPath(staging, `${folder}${name}`) }));
    const collected = await collectStatistics(uris, { files, schema, signal });
    return { statistics: collected.statistics };
  }

  #folder(split: number): string {
    const name = this.#splits[split]!;
    return name === WHOLE ? '' : `${name}/`;
  }

  /** How the dataset was made: what differs from run to run stands here and nowhere else. */
  #job(split: number): Record<string, unknown> {
    const { partitionBy, key, seed, split: ratios, splitKey } = this.#options;
    const given = { key, splitKey, split: ratios && { name: this.#splits[split], ratios } };
    const some = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return { id: this.#commit.jobId, createdAt: new Date().toISOString(), partitionBy, seed, ...some };
  }

  async #writeIndex(folder: string, part: ClosedPart): Promise<void> {
    if (!this.#options.index) return;
    await this.#commit.write(
      `${folder}${indexName(part.name)}`,
      encodeIndex({ ...part, compression: this.#options.compression }),
    );
  }
}

/** `part-r-00000`, with `.tfrecord` by option and the suffix that tells Hadoop and Spark of the compression. */
export function partName(index: number, options: Pick<CheckedOptions, 'compression' | 'extension'>): string {
  return `part-r-${String(index).padStart(5, '0')}${options.extension ? '.tfrecord' : ''}${SUFFIX[options.compression]}`;
}
