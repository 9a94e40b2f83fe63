import type { Kernel } from './kernel/kernel.js';

/** Vector loads of the kernels may look this far behind the bytes. */
const SLACK = 256;
const GROWTH = 16 << 20;

/**
 * The part of a byte stream that is looked at, contiguous in a kernel's memory: bytes are appended at its end and consumed
 * at its start. Positions are offsets in the stream. Views are borrowed until the next call.
 */
export class StreamWindow {
  readonly #kernel: Kernel;
  #address: number;
  #capacity: number;
  #start = 0;
  #end = 0;
  #offset = 0;

  constructor(kernel: Kernel, capacity: number) {
    this.#kernel = kernel;
    this.#capacity = capacity;
    this.#address = kernel.alloc(capacity + SLACK);
  }

  /** Offset of the first byte. */
  get start(): number {
    return this.#offset;
  }
  /** Offset behind the last byte. */
  get end(): number {
    return this.#offset + this.#end - this.#start;
  }
  get size(): number {
    return this.#end - this.#start;
  }

  /** Where the byte at a stream offset lies in the kernel's memory, until the next `append`. */
  addressOf(offset: number): number {
    return this.#address + this.#start + (offset - this.#offset);
  }
  bytes(from: number, to: number): Uint8Array {
    const address = this.addressOf(from);
    return this.#kernel.u8.subarray(address, address + to - from);
  }

  append(chunk: Uint8Array): void {
    this.room(chunk.length).set(chunk);
    this.extend(chunk.length);
  }

  /** Room for bytes behind the end; what is written there counts once `extend` says so. */
  room(bytes: number): Uint8Array {
    this.#makeRoom(bytes);
    const address = this.#address + this.#end;
    return this.#kernel.u8.subarray(address, address + bytes);
  }
  extend(bytes: number): void {
    this.#end += bytes;
  }

  /** Gives the bytes before an offset up. */
  consume(to: number): void {
    this.#start += to - this.#offset;
    this.#offset = to;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  /** Gives all bytes up and continues at another offset. */
  jump(offset: number): void {
    this.#start = 0;
    this.#end = 0;
    this.#offset = offset;
  }

  /** Moves bytes only where that pays for itself, and grows in place where it can, so that the cost stays linear. */
  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#capacity) return;
    const { size } = this;
    const needed = size + bytes;
    if (needed <= this.#capacity && (this.#start >= size || this.#start >= GROWTH)) {
      this.#moveTo(this.#address);
      return;
    }
    const capacity = needed + Math.min(needed, GROWTH);
    if (this.#kernel.extend(this.#address, this.#capacity + SLACK, capacity + SLACK)) {
      this.#moveTo(this.#address);
      this.#capacity = capacity;
    } else {
      this.#moveTo(this.#kernel.alloc(2 * needed + SLACK));
      this.#capacity = 2 * needed;
    }
  }

  #moveTo(address: number): void {
    const from = this.#address + this.#start;
    if (from === address) return;
    this.#kernel.u8.copyWithin(address, from, from + this.size);
    this.#end = this.size;
    this.#start = 0;
    this.#address = address;
  }
}
