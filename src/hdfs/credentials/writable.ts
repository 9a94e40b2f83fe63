import { ShardfeedError } from '../../errors.js';

/**
 * Reads Hadoop's Writable encoding (`org.apache.hadoop.io.WritableUtils`, `Text`): big-endian numbers of 1 to 9 bytes and
 * byte strings with their length in front. Lengths are checked before they are used.
 */
export class WritableReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** @param what names the bytes in errors; it must not hold them, they may be secret */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** A view of the next bytes. @throws SHARDFEED_HDFS_AUTH where there are fewer */
  take(count: number): Uint8Array {
    if (count < 0 || count > this.#bytes.length - this.#at) {
      throw new ShardfeedError('SHARDFEED_HDFS_AUTH', `${this.#what} is cut short or damaged at byte ${this.#at}`);
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** A vint or vlong; beyond 2^53 it is not exact. */
  number(): number {
    const first = (this.take(1)[0]! << 24) >> 24;
    if (first >= -112) return first;
    const negative = first < -120;
    let value = 0;
    for (const byte of this.take(negative ? -120 - first : -112 - first)) value = value * 256 + byte;
    return negative ? -1 - value : value;
  }

  byteString(): Uint8Array {
    return this.take(this.number());
  }

  text(): string {
    return Buffer.from(this.byteString()).toString('utf8');
  }
}

/** The vint of a length, 0 to 2^31 - 1. */
export function writeVInt(value: number): Uint8Array {
  if (value <= 127) return Uint8Array.of(value);
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(256 - 112 - bytes.length, ...bytes);
}
