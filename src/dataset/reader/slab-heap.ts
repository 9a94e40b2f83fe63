import type { Kernel } from '../../records/index.js';

/** Vector loads of the kernels may look this far behind the bytes. */
const SLACK = 256;
/** Taken from the kernel at once, at least; then as much again as there is, since each growth costs a collector's round. */
const REGION = 2 << 20;
const MOST_REGION = 64 << 20;

/**
 * Room for raw bytes in a kernel's memory, which never shrinks: what is given back is used again. First fit, in the order
 * of addresses; neighbours that are free become one.
 */
export class SlabHeap {
  readonly kernel: Kernel;
  #free: { address: number; bytes: number }[] = [];
  #taken = 0;
  #last: { address: number; bytes: number } | undefined;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** An address with room for so many bytes. The kernel's memory may grow. */
  alloc(bytes: number): number {
    const wanted = roomFor(bytes);
    let at = this.#free.findIndex((slab) => slab.bytes >= wanted);
    if (at < 0) {
      this.#more(wanted);
      at = this.#free.findIndex((slab) => slab.bytes >= wanted);
    }
    const slab = this.#free[at]!;
    if (slab.bytes === wanted) this.#free.splice(at, 1);
    else this.#free[at] = { address: slab.address + wanted, bytes: slab.bytes - wanted };
    return slab.address;
  }

  /** Gives back what `alloc` gave for so many bytes. */
  free(address: number, bytes: number): void {
    this.#give(address, roomFor(bytes));
  }

  #give(address: number, bytes: number): void {
    let at = this.#free.findIndex((slab) => slab.address > address);
    if (at < 0) at = this.#free.length;
    const slab = { address, bytes };
    const next = this.#free[at];
    if (next !== undefined && address + bytes === next.address) {
      slab.bytes += next.bytes;
      this.#free.splice(at, 1);
    }
    const before = this.#free[at - 1];
    if (before !== undefined && before.address + before.bytes === address) before.bytes += slab.bytes;
    else this.#free.splice(at, 0, slab);
  }

  get #region(): number {
    return Math.max(REGION, Math.min(MOST_REGION, this.#taken));
  }

  /** Takes more of the kernel's memory, where it can right behind what it took last. */
  #more(wanted: number): void {
    const last = this.#last;
    const tail = this.#free.at(-1);
    const open = last !== undefined && tail !== undefined && tail.address + tail.bytes === last.address + last.bytes;
    const missing = Math.max(this.#region, wanted - (open ? tail.bytes : 0));
    if (last !== undefined && this.kernel.extend(last.address, last.bytes, last.bytes + missing)) {
      last.bytes += missing;
      this.#taken += missing;
      this.#give(last.address + last.bytes - missing, missing);
    } else {
      const bytes = Math.max(this.#region, wanted);
      this.#last = { address: this.kernel.alloc(bytes), bytes };
      this.#taken += bytes;
      this.#give(this.#last.address, bytes);
    }
  }
}

function roomFor(bytes: number): number {
  return (bytes + SLACK + 63) & ~63;
}
