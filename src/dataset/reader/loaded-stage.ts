import type { ShardfeedError } from '../../errors.js';
import { HEADER_BYTES, type Loss, type RecordPlace } from '../../records/index.js';
import type { SlabHeap } from './slab-heap.js';
import type { Extent, Piece, StagePlan } from './stage-plan.js';

/** What is wrong with a record: the error to throw, or the loss to report. With `loss.count` 0 the record is there all the same. */
export interface Fault {
  readonly error: ShardfeedError;
  readonly loss: Loss;
  /** Where its bytes lie in the kernel's memory, as far as they are there. */
  readonly address: number;
  readonly bytes: number;
}

/** The bytes of a stage in a kernel's memory, as they arrive, and where its records are. */
export class LoadedStage {
  readonly plan: StagePlan;
  /** Address and length of each record's payload, by its index among the records of the stage. */
  readonly addresses: Uint32Array;
  readonly lengths: Uint32Array;
  /** By the same index. */
  readonly faults = new Map<number, Fault>();
  /** The reads that were begun, by extent. */
  readonly loads: Promise<void>[] = [];
  /** Bytes of all extents, and of those with a slab. */
  readonly bytes: number;
  #begun = 0;
  readonly #slabs: number[] = [];
  readonly #heap: SlabHeap;

  constructor(plan: StagePlan, heap: SlabHeap) {
    const { records, extents } = plan;
    this.plan = plan;
    this.bytes = extents.reduce((sum, { start, end }) => sum + end - start, 0);
    this.addresses = new Uint32Array(records);
    this.lengths = new Uint32Array(records);
    this.#heap = heap;
  }

  /** How many of the first extents have a slab. */
  get begun(): number {
    return this.#slabs.length;
  }
  /** The next extent that has none. */
  get pending(): Extent | undefined {
    return this.plan.extents[this.begun];
  }
  /** Bytes of the extents that have a slab, and of the others. */
  get begunBytes(): number {
    return this.#begun;
  }
  get pendingBytes(): number {
    return this.bytes - this.#begun;
  }

  /** Makes room for the next extent; the kernel's memory may grow. The extent's number. */
  makeSlab(): number {
    const { start, end } = this.pending!;
    this.#begun += end - start;
    return this.#slabs.push(this.#heap.alloc(end - start)) - 1;
  }

  /** Where an extent begins in the kernel's memory. */
  slab(extent: number): number {
    return this.#slabs[extent]!;
  }

  /** Where a record comes from. */
  placeOf(index: number): Omit<RecordPlace, 'path'> & { readonly part: number } {
    const { extents } = this.plan;
    const holds = ({ index: first, count }: Piece): boolean => index >= first && index < first + count;
    const e = extents.findIndex(({ pieces }) => pieces.some(holds));
    const { part, start, pieces } = extents[e]!;
    const piece = pieces.find(holds)!;
    const offset = start + this.addresses[index]! - HEADER_BYTES - this.#slabs[e]!;
    return { part, record: piece.first + index - piece.index, offset };
  }

  /** Gives its memory back. */
  free(): void {
    for (const [i, address] of this.#slabs.entries()) {
      const { start, end } = this.plan.extents[i]!;
      this.#heap.free(address, end - start);
    }
    this.#slabs.length = 0;
  }
}
