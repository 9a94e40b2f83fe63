import { type EpochKey, RandomWords, scramble } from './random.js';

const ROUNDS = 6;

/**
 * A permutation of 0 .. count - 1 that is computed, not stored: a Feistel network over the next even number of bits, walked on until
 * it lands in the range (Black and Rogaway, Ciphers with Arbitrary Finite Domains, 2002). `count` is below 2^52.
 */
export function feistelPermutation(key: EpochKey, stream: number, count: number): (index: number) => number {
  const half = Math.max(1, Math.ceil(Math.log2(Math.max(2, count)) / 2));
  const size = 2 ** half;
  const words = new RandomWords(key, stream, 0);
  const keys = Uint32Array.from({ length: ROUNDS }, () => words.next());
  return (index) => {
    let at = index;
    do {
      let left = Math.floor(at / size);
      let right = at % size;
      for (let round = 0; round < ROUNDS; round++) {
        const mixed = (left ^ scramble(right ^ keys[round]!)) & (size - 1);
        left = right;
        right = mixed;
      }
      at = left * size + right;
    } while (at >= count);
    return at;
  };
}
