import { createHash } from 'node:crypto';

/** What decides every choice of an epoch: 128 bits from (fingerprint, seed, epoch). */
export type EpochKey = readonly [number, number, number, number];

export function epochKey(fingerprint: string, seed: number, epoch: number): EpochKey {
  const digest = createHash('sha256').update(`shardfeed-order-1 ${fingerprint} ${seed} ${epoch}`).digest();
  return [0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as unknown as EpochKey;
}

/** Random words of one stream of an epoch: sfc32 (Doty-Humphrey, PractRand), keyed by the epoch, the stream and a number. */
export class RandomWords {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor([k0, k1, k2, k3]: EpochKey, stream: number, index: number) {
    this.#a = k0 ^ scramble(stream ^ k3);
    this.#b = k1 ^ scramble(index ^ 0x9e3779b9);
    this.#c = k2 ^ scramble(Math.floor(index / 2 ** 32) ^ k3);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 bits, unsigned. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A uniform permutation of 0 .. count - 1 (Fisher and Yates; draws beyond the range are drawn again). */
  permutation(count: number): Uint32Array {
    const order = new Uint32Array(count);
    let mask = 0;
    for (let i = 0; i < count; i++) {
      while (mask < i) mask = mask * 2 + 1;
      let j = (this.next() & mask) >>> 0;
      while (j > i) j = (this.next() & mask) >>> 0;
      order[i] = order[j]!;
      order[j] = i;
    }
    return order;
  }
}

/** The finaliser of murmur3. */
export function scramble(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
