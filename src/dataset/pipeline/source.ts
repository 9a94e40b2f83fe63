import type { Batch } from '../../records/index.js';

/** A batch and where it ends: JSON, with which a stream goes on right after it. */
export type Positioned<B extends Batch = Batch, P = unknown> = B & { readonly position: P };

/** Where and for how long to read. */
export interface StreamStart<P> {
  /** Right after the batch that had it; undefined: at the beginning. */
  readonly position: P | undefined;
  /** Epochs behind the one that the source begins with, 0 unless it is repeated; a position has an epoch of its own. */
  readonly epoch: number;
  /** Fires when the caller gives up, also while a batch is awaited: everything is to be released. */
  readonly signal: AbortSignal;
}

/** What a stream reads. Operations are sources around sources. */
export interface StreamSource<B extends Batch = Batch, P = unknown> {
  /**
   * May be called many times, also at once: each call is a read of its own, of which nothing is opened before its first
   * batch is asked for.
   */
  open(start: StreamStart<P>): AsyncIterable<Positioned<B, P>>;
  /**
   * A batch is valid only until the next one is asked for. Otherwise its buffers are its own, and may be transferred to
   * a thread. Default false.
   */
  readonly borrowed?: boolean;
  /** The caller's, or those of several: ends every read. */
  readonly signal?: AbortSignal | readonly AbortSignal[] | undefined;
  /**
   * The position behind so many batches from the beginning, or from the end where there are fewer, without reading them. Operations that
   * make a batch of each one pass it on; those with positions of their own do not have it.
   */
  readonly after?: ((batches: number, epoch: number) => P) | undefined;
  /** It begins at a position, which is of one epoch, so that it cannot be repeated. */
  readonly resumed?: boolean;
}
