import type { SpoolRoom } from '../../files/index.js';
import { permutation, SHUFFLE_BUCKETS, shuffleBucket } from './random.js';
import { groupByTarget, metaOf, type Records, reorder, sliceRecords } from './records-run.js';
import type { Again } from './rewritten-part.js';
import { SpareBuffers } from './spare-buffers.js';
import { Spool } from './spool.js';

/** A bucket above this is scattered once more, so that it fits in memory. */
const BUCKET_BYTES = 24 << 20;
/** Streams of the random function for permutations, apart from those that scatter. */
const PERMUTE = 1 << 20;

export interface ShuffleOptions {
  readonly seed: number;
  readonly room: SpoolRoom;
}

/**
 * The records of a split's buckets in order, each bucket permuted at random, from record `from` on. Records that were
 * dealt to buckets at random and permuted within them are in a uniformly random order (Rao 1961, Sandelius 1962).
 */
export function shuffledStream(spool: Spool, split: number, options: ShuffleOptions): Again {
  return async function* (from) {
    const memory = new SpareBuffers();
    let before = 0;
    for (let b = 0; b < SHUFFLE_BUCKETS; b++) {
      const bucket = split * SHUFFLE_BUCKETS + b;
      const first = before;
      before += spool.count(bucket);
      if (before <= from) continue;
      yield* sliceRecords(permuted(spool, bucket, { ...options, memory, stream: b + 1 }), from - first);
    }
  };
}

/** Records of a split in all. */
export function shuffledCount(spool: Spool, split: number): number {
  let records = 0;
  for (let b = 0; b < SHUFFLE_BUCKETS; b++) records += spool.count(split * SHUFFLE_BUCKETS + b);
  return records;
}

interface Permute extends ShuffleOptions {
  /** Distinguishes this bucket from all others, at any depth. */
  readonly stream: number;
  readonly memory: SpareBuffers;
}

async function* permuted(spool: Spool, bucket: number, options: Permute): AsyncGenerator<Records> {
  const { seed, stream, room, memory } = options;
  if (spool.count(bucket) === 0) return;
  if (spool.bytes(bucket) > BUCKET_BYTES && spool.count(bucket) > 1) {
    const inner = await Spool.open(SHUFFLE_BUCKETS, room);
    try {
      let ordinal = 0;
      for await (const { bytes, meta } of spool.records(bucket)) {
        const targets = new Uint32Array(meta.length / 2);
        for (let i = 0; i < targets.length; i++) targets[i] = shuffleBucket(seed, ordinal++, stream);
        for (const run of groupByTarget(bytes, meta, targets, SHUFFLE_BUCKETS)) await inner.add(run);
      }
      for (let b = 0; b < SHUFFLE_BUCKETS; b++) {
        yield* permuted(inner, b, { ...options, stream: stream * SHUFFLE_BUCKETS + b + 1 });
      }
    } finally {
      await inner.close();
    }
    return;
  }
  const length = spool.bytes(bucket);
  const read = memory.take(length);
  const sorted = memory.take(length);
  const bytes = await spool.readAll(bucket, read);
  const meta = metaOf(bytes);
  yield reorder(bytes, meta, permutation(meta.length / 2, seed, PERMUTE + stream), sorted);
  memory.give(read);
  memory.give(sorted);
}
