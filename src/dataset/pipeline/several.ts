import { Scope } from '../../files/index.js';
import type { Batch } from '../../records/index.js';
import type { Positioned, StreamSource, StreamStart } from './source.js';
import type { BatchStream } from './stream.js';

/** What any of several streams gives. */
export interface Joined<S extends readonly BatchStream<Batch, unknown>[]> {
  readonly batch: S[number] extends BatchStream<infer B, unknown> ? B : never;
  readonly position: S[number] extends BatchStream<Batch, infer P> ? P : never;
}

/** What a source made of several has of them. */
export function joinSources(
  streams: readonly BatchStream<Batch, unknown>[],
): Pick<StreamSource, 'borrowed' | 'resumed' | 'signal'> {
  const sources = streams.map(({ source }) => source);
  return {
    borrowed: sources.some(({ borrowed }) => borrowed),
    resumed: sources.some(({ resumed }) => resumed),
    signal: [...new Set(sources.flatMap(({ signal }) => signal ?? []))],
  };
}

/** Reads of several streams, which end together. */
export function openTogether<B extends Batch, P>(
  streams: readonly BatchStream<Batch, unknown>[],
  positions: readonly (P | undefined)[],
  start: Pick<StreamStart<P>, 'epoch' | 'signal'>,
): { readonly iterators: readonly AsyncIterator<Positioned<B, P>>[]; close(): Promise<void> } {
  const scope = new Scope(start.signal);
  const iterators = streams.map(({ source }, i) => {
    const own = { position: positions[i], epoch: start.epoch, signal: scope.signal };
    return (source as StreamSource<B, P>).open(own)[Symbol.asyncIterator]();
  });
  return {
    iterators,
    async close() {
      scope.end();
      await Promise.all(iterators.map((iterator) => iterator.return?.()));
    },
  };
}
