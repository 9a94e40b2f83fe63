/**
 * Random numbers that are a pure function of (seed, stream, counter): the murmur3 finaliser over 32 bit words, twice.
 * Good enough to shuffle and to split; no cryptography.
 */
export function randomWord(seed: number, stream: number, counter: number): number {
  let h = mix(seed | 0, 0x9e3779b9);
  h = mix(Math.floor(seed / 4294967296) | 0, h);
  h = mix(stream | 0, h);
  h = mix(counter | 0, h);
  h = mix(Math.floor(counter / 4294967296) | 0, h);
  return finish(h);
}

/** The word as a number in [0, 1). */
export function toUnit(word: number): number {
  return word / 4294967296;
}

function mix(word: number, h: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  h ^= Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** murmur3's finaliser: every bit of the word reaches every bit of the result. */
export function finish(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A uniform permutation of 0 .. count - 1 (Fisher and Yates), from 53 bit draws. */
export function permutation(count: number, seed: number, stream: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const draw =
      (randomWord(seed, stream, 2 * i) * 2097152 + (randomWord(seed, stream, 2 * i + 1) >>> 11)) / 9007199254740992;
    const j = Math.floor(draw * (i + 1));
    order[i] = order[j]!;
    order[j] = i;
  }
  return order;
}

const BUCKET_BITS = 10;
export const SHUFFLE_BUCKETS = 2 ** BUCKET_BITS;

/** The bucket that a record is dealt to in a shuffle: a function of the seed and the record's ordinal alone. */
export function shuffleBucket(seed: number, ordinal: number, stream = 0): number {
  return randomWord(seed, stream, ordinal) >>> (32 - BUCKET_BITS);
}
