import { ShardfeedError } from '../errors.js';

/** Protobuf wire types (https://protobuf.dev/programming-guides/encoding). */
export const Wire = { VARINT: 0, FIXED64: 1, LENGTH: 2, START_GROUP: 3, END_GROUP: 4, FIXED32: 5 } as const;

/** How deep groups may lie in each other, as in protobuf's own parsers. */
export const MAX_GROUP_DEPTH = 100;

/**
 * Reads protobuf fields from bytes it does not trust. It accepts what the wire format allows: varints of up to ten bytes,
 * also non-minimal ones (bits above 64 are dropped), unknown fields and groups.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  position: number;
  /** The latest varint: low and high 32 bits, unsigned. */
  low = 0;
  high = 0;
  /** The latest tag. */
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
  }

  /** Reads a varint into `low` and `high`. */
  varint(end: number): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= end) throw this.malformed('a varint is cut off');
      const byte = this.bytes[this.position++]!;
      const bits = byte & 127;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high = bits >>> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 128) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw this.malformed('a varint is longer than ten bytes');
  }

  /** Reads a tag into `field` and `wireType`. */
  tag(end: number): void {
    this.varint(end);
    this.field = this.low >>> 3;
    this.wireType = this.low & 7;
    if (this.high !== 0 || this.field === 0 || this.wireType > 5) throw this.malformed('a tag is invalid');
  }

  /** Reads a length and returns the end of what it covers. */
  length(end: number): number {
    this.varint(end);
    if (this.high !== 0 || this.low > end - this.position) throw this.malformed('a length reaches beyond the end');
    return this.position + this.low;
  }

  /** Skips the field whose tag was read last. */
  skip(end: number): void {
    switch (this.wireType) {
      case Wire.VARINT:
        this.varint(end);
        break;
      case Wire.FIXED64:
        this.#advance(8, end);
        break;
      case Wire.LENGTH:
        this.position = this.length(end);
        break;
      case Wire.FIXED32:
        this.#advance(4, end);
        break;
      case Wire.START_GROUP:
        this.#skipGroup(end);
        break;
      default:
        throw this.malformed('a group ends that did not begin');
    }
  }

  #skipGroup(end: number): void {
    const open = [this.field];
    while (open.length > 0) {
      this.tag(end);
      if (this.wireType === Wire.START_GROUP) {
        if (open.length === MAX_GROUP_DEPTH) throw this.malformed(`groups lie more than ${MAX_GROUP_DEPTH} deep`);
        open.push(this.field);
      } else if (this.wireType === Wire.END_GROUP) {
        if (open.pop() !== this.field) throw this.malformed('a group ends that did not begin');
      } else {
        this.skip(end);
      }
    }
  }

  #advance(bytes: number, end: number): void {
    if (end - this.position < bytes) throw this.malformed('a field is cut off');
    this.position += bytes;
  }

  /** The latest varint as an int64: a number where it is safe, else a bigint. */
  int64(): number | bigint {
    const high = this.high | 0;
    const value = high * 4294967296 + this.low;
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(this.low);
  }

  malformed(what: string): ShardfeedError {
    return new ShardfeedError(
      'SHARDFEED_MALFORMED_EXAMPLE',
      `not a valid Example: ${what} at byte ${this.position} of it`,
    );
  }
}
