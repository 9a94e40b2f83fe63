import { ShardfeedError } from '../../errors.js';
import type { Batch, DecodedRow } from '../../records/index.js';
import { rowsOf } from '../adapters/rows-of.js';
import { showValue } from '../known-options.js';
import { type FilterFunction, filterSource, type RowFilter } from './filter.js';
import { iterate } from './iterate.js';
import { type MapFunction, mapSource } from './map.js';
import { type MapModule, mapModuleSource } from './map-module.js';
import { type PaddedBatchOptions, paddedSource } from './padded-batch.js';
import { type PrefetchOptions, prefetchSource } from './prefetch.js';
import { type RepeatPosition, repeatSource } from './repeat.js';
import { skipSource } from './skip.js';
import type { Positioned, StreamSource } from './source.js';
import { type TakePosition, takeSource } from './take.js';

/**
 * Batches and what is done with them, as a description: nothing is read before it is iterated, and every iteration is a read of
 * its own. Operations return a new stream. Each batch has a `position`, JSON, with which `from` continues right after it,
 * through all operations: the batches before and after are those of one run. Functions given to operations must
 * therefore depend on nothing but their batch.
 *
 * `break`, an error and the signal end the read and release what it held. Errors of given functions name the operation.
 */
export class BatchStream<B extends Batch = Batch, P = unknown> implements AsyncIterable<Positioned<B, P>> {
  /** How it is read, for operations. */
  readonly source: StreamSource<B, P>;
  readonly #operations: number;

  constructor(source: StreamSource<B, P>, operations = 0) {
    this.source = source;
    this.#operations = operations;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Positioned<B, P>> & AsyncDisposable {
    return iterate(this.source);
  }

  /**
   * The same stream, right behind the batch whose position it was; at the beginning for undefined.
   * @throws SHARDFEED_POSITION, when it is read, for the position of another stream
   */
  from(position: P | undefined): BatchStream<B, P> {
    if (position === undefined) return this;
    const { source } = this;
    return this.#with({
      ...source,
      resumed: true,
      after: undefined,
      open: (start) => source.open(start.position === undefined ? { ...start, position } : start),
    });
  }

  /**
   * Each batch as a function makes it: one in this thread, which may be async, or one of a module, in worker threads,
   * which get the memory of its batches. It may make another number of rows.
   * @throws SHARDFEED_PIPELINE, while it is read, for an error of the function
   */
  map<R extends Batch>(apply: MapFunction<Positioned<B, P>, R>): BatchStream<R, P>;
  map<R extends Batch = Batch>(apply: MapModule): BatchStream<R, P>;
  map<R extends Batch>(apply: MapFunction<Positioned<B, P>, R> | MapModule): BatchStream<R, P> {
    if (typeof apply !== 'function' && (typeof apply !== 'object' || apply === null)) {
      throw new ShardfeedError(
        'SHARDFEED_USAGE',
        'map wants a function of a batch, or { module } with the path or URL of one',
      );
    }
    return this.#with<R, P>(
      typeof apply === 'function'
        ? mapSource(this.source, this.#name('map', apply.name), apply)
        : mapModuleSource(this.source, this.#name('map', String(apply.module)), apply),
    );
  }

  /**
   * Leaves out rows by a mask for each batch, or asked row by row (`{ row }`). They keep their slot with mask 0 and zeros or no
   * values.
   */
  filter(predicate: FilterFunction<Positioned<B, P>> | RowFilter): BatchStream<B, P> {
    const asked = typeof predicate === 'function' ? predicate : predicate?.row;
    if (typeof asked !== 'function') {
      throw new ShardfeedError('SHARDFEED_USAGE', 'filter wants a function of a batch, or { row } with one of a row');
    }
    const { name } = asked;
    return this.#with(filterSource(this.source, this.#name('filter', name), predicate));
  }

  /** The first so many batches. */
  take(batches: number): BatchStream<B, TakePosition<P>> {
    return this.#with(takeSource(this.source, checkCount('take', batches)));
  }

  /** Without the first so many batches. Of a dataset's, also behind `map`, `filter` and the like, those are not read. */
  skip(batches: number): BatchStream<B, P> {
    return this.#with(skipSource(this.source, checkCount('skip', batches)));
  }

  /** So many epochs, each in its own order, from the one that it begins with. Default: without end. */
  repeat(epochs = Number.POSITIVE_INFINITY): BatchStream<B, RepeatPosition<P>> {
    return this.#with(repeatSource(this.source, checkCount('repeat', epochs, 1)));
  }

  /** Makes batches ahead while the consumer is busy, within a bound of bytes. */
  prefetch(options: PrefetchOptions = {}): BatchStream<B, P> {
    return this.#with(prefetchSource(this.source, options));
  }

  /** Ragged columns become fixed ones: filled up to a length, or to that of the batch's longest row. */
  paddedBatch(options: PaddedBatchOptions = {}): BatchStream<Batch, P> {
    return this.#with(paddedSource(this.source, this.#name('paddedBatch', ''), options));
  }

  /** The rows that count, as objects. They have no position. */
  rows(): AsyncGenerator<DecodedRow> {
    return rowsOf(this);
  }

  /** As a web stream, which reads a batch when one is asked for; cancelling it ends the read. */
  toReadableStream(): ReadableStream<Positioned<B, P>> {
    return ReadableStream.from(this) as ReadableStream<Positioned<B, P>>;
  }

  #with<R extends Batch, Q>(source: StreamSource<R, Q>): BatchStream<R, Q> {
    return new BatchStream(source, this.#operations + 1);
  }

  #name(operation: string, given: string): string {
    return `${operation}${given === '' ? '' : ` ${JSON.stringify(given)}`} (operation ${this.#operations + 1} of the stream)`;
  }
}

function checkCount(operation: string, value: number, least = 0): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `${operation}(${showValue(value)}): a whole number from ${least} is wanted`,
  );
}
