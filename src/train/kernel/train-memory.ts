import { ShardfeedError } from '../../errors.js';
import type { NumericArray } from '../numeric-array.js';
import { instantiate, newMemory, type SharedWasmMemory } from './train-module.js';

const PAGE = 65536;
/** 2 GiB: addresses stay positive as 32 bit signed numbers. In step with scripts/build-kernel.mjs. */
const MAX_PAGES = 32768;

/** Functions of assembly/train/index.ts; numbers are addresses, counts and values as said there. */
export type TrainKernel = Readonly<Record<string, (...args: number[]) => number>>;

/** Of what type an array is to be: Float32Array, Float64Array or Int32Array. */
export type ArrayType<A> = {
  new (buffer: ArrayBufferLike, offset: number, length: number): A;
  BYTES_PER_ELEMENT: number;
};

/**
 * Memory that the threads of a worker share: parameters, gradients, and what the kernels need besides. One thread, which made it,
 * allocates; others get `wasm` posted and make views or a kernel instance of their own on it. Nothing is ever freed but all of it.
 */
export class TrainMemory {
  /** Can be posted to a worker thread, which gives it to {@link kernelOn}. */
  readonly wasm: SharedWasmMemory;
  readonly kernel: TrainKernel;
  #top: number;
  /** Growing makes a new object of the same memory. */
  readonly #buffers = new WeakSet<ArrayBufferLike>();

  constructor() {
    this.wasm = newMemory(2, MAX_PAGES);
    this.kernel = kernelOn(this.wasm);
    this.#top = this.kernel.trainHeapBase!();
  }

  /** Reserves zeroed bytes, 64-aligned, so that no two reservations share a line of the cache. @throws SHARDFEED_RANGE beyond 2 GiB */
  alloc(bytes: number): number {
    const address = (this.#top + 63) & ~63;
    const top = address + bytes;
    const missing = Math.ceil((top - this.wasm.buffer.byteLength) / PAGE);
    if (missing > 0) {
      try {
        this.wasm.grow(missing);
      } catch (cause) {
        const what = `a model's parameters, gradients and buffers need ${top} bytes, more than the 2 GiB that one worker has for them`;
        throw new ShardfeedError('SHARDFEED_RANGE', what, { cause });
      }
    }
    this.#top = top;
    return address;
  }

  /** A zeroed array in this memory. It stays valid for as long as the memory is referred to. */
  array<A extends NumericArray>(type: ArrayType<A>, length: number): A {
    const address = this.alloc(length * type.BYTES_PER_ELEMENT);
    const { buffer } = this.wasm;
    this.#buffers.add(buffer);
    return new type(buffer, address, length);
  }

  /** Whether an array was made by {@link array}, or is a view of such a one: its `byteOffset` is then an address for the kernel. */
  holds(array: NumericArray): boolean {
    return this.#buffers.has(array.buffer);
  }
}

/** The kernel's functions on a memory, for this thread. */
export function kernelOn(memory: SharedWasmMemory): TrainKernel {
  return instantiate(memory) as TrainKernel;
}
