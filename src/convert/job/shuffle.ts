import type { PartSummary } from './part-writer.js';
import { permutation, SHUFFLE_BUCKETS, shuffleBucket } from './random.js';
import { groupByTarget, metaOf, reorder } from './records-run.js';
import { type Cut, type OpenPart, RangeWriter } from './sinks.js';
import { SpareBuffers } from './spare-buffers.js';
import { Spool } from './spool.js';

/** A bucket above this is scattered once more, so that it fits in memory. */
const BUCKET_BYTES = 24 << 20;
/** Streams of the random function for permutations, apart from those that scatter. */
const PERMUTE = 1 << 20;

/**
 * Gathers the buckets of a split in order, each permuted at random. Records that were dealt to buckets at random and
 * permuted within them are in a uniformly random order (Rao 1961, Sandelius 1962).
 */
export async function gatherShuffled(
  spool: Spool,
  open: OpenPart,
  split: number,
  options: { seed: number; cutOf: (records: number) => Cut; spoolDir?: string },
): Promise<PartSummary[]> {
  const first = split * SHUFFLE_BUCKETS;
  let records = 0;
  for (let b = 0; b < SHUFFLE_BUCKETS; b++) records += spool.records(first + b);
  const writer = new RangeWriter((index) => open(split, index), options.cutOf(records));
  const memory = new SpareBuffers();
  for (let b = 0; b < SHUFFLE_BUCKETS; b++) {
    await permuteBucket(spool, first + b, { ...options, memory, stream: b + 1 }, (bytes, meta) =>
      writer.append(bytes, meta),
    );
  }
  return writer.close();
}

interface Permute {
  seed: number;
  /** Distinguishes this bucket from all others, at any depth. */
  stream: number;
  spoolDir?: string;
  memory: SpareBuffers;
}

async function permuteBucket(
  spool: Spool,
  bucket: number,
  { seed, stream, spoolDir, memory }: Permute,
  take: (bytes: Uint8Array, meta: Uint32Array) => Promise<void>,
): Promise<void> {
  if (spool.records(bucket) === 0) return;
  if (spool.bytes(bucket) > BUCKET_BYTES && spool.records(bucket) > 1) {
    const inner = await Spool.open(SHUFFLE_BUCKETS, spoolDir);
    try {
      let ordinal = 0;
      for await (const bytes of spool.read(bucket)) {
        const meta = metaOf(bytes);
        const targets = new Uint32Array(meta.length / 2);
        for (let i = 0; i < targets.length; i++) targets[i] = shuffleBucket(seed, ordinal++, stream);
        for (const run of groupByTarget(bytes, meta, targets, SHUFFLE_BUCKETS)) await inner.add(run);
      }
      for (let b = 0; b < SHUFFLE_BUCKETS; b++) {
        await permuteBucket(inner, b, { seed, stream: stream * SHUFFLE_BUCKETS + b + 1, spoolDir, memory }, take);
      }
    } finally {
      await inner.close();
    }
    return;
  }
  const length = spool.bytes(bucket);
  const buffers = [0, 1].map(() => memory.take(length) ?? new ArrayBuffer(Math.ceil(length * 1.1))) as [
    ArrayBuffer,
    ArrayBuffer,
  ];
  const bytes = await spool.readAll(bucket, buffers[0]);
  const meta = metaOf(bytes);
  const shuffled = reorder(bytes, meta, permutation(meta.length / 2, seed, PERMUTE + stream), buffers[1]);
  await take(shuffled.bytes, shuffled.meta);
  for (const buffer of buffers) memory.give(buffer);
}
