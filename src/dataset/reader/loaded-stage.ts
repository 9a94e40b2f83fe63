import type { ShardfeedError } from '../../errors.js';
import { HEADER_BYTES } from '../../records/framing.js';
import type { Loss, RecordPlace } from '../../records/index.js';
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

const NOT_BEGUN = Promise.resolve();
/** Room is made for so many bytes of extents at once, at least, or one. */
const CHUNK = 4 << 20;

/** The bytes of a stage in a kernel's memory, as they arrive, and where its records are. */
export class LoadedStage {
  readonly plan: StagePlan;
  /** By the index among the records of the stage. */
  readonly faults = new Map<number, Fault>();
  /** The reads that were begun, by extent, and how many of the first ones have been waited for. */
  readonly loads: Promise<void>[] = [];
  waited = 0;
  /** Bytes of all extents, and of those with a slab. */
  readonly bytes: number;
  #begun = 0;
  readonly #slabs: number[] = [];
  readonly #chunks: { readonly address: number; readonly bytes: number }[] = [];
  /** Where the next extent goes, and the bytes that are left there. */
  #next = 0;
  #left = 0;
  /** Where its tables are: addresses and lengths of all records, and `plan.stage.rows`. */
  #tables = 0;
  readonly #heap: SlabHeap;

  constructor(plan: StagePlan, heap: SlabHeap) {
    this.plan = plan;
    this.bytes = plan.extents.reduce((sum, { start, end }) => sum + end - start, 0);
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

  /** Where the address and the length of each record's payload stand in the kernel's memory, u32, by its index. */
  get addresses(): number {
    return this.#tables;
  }
  get lengths(): number {
    return this.#tables + 4 * this.plan.records;
  }
  /** Where `plan.stage.rows` stand. */
  get rows(): number {
    return this.#tables + 8 * this.plan.records;
  }

  setPlace(index: number, address: number, length: number): void {
    const { view } = this.#heap.kernel;
    view.setUint32(this.addresses + 4 * index, address, true);
    view.setUint32(this.lengths + 4 * index, length, true);
  }

  /** Makes room for the next extent; the kernel's memory may grow. The extent's number. */
  makeSlab(): number {
    if (this.#tables === 0) {
      const { rows } = this.plan.stage;
      this.#tables = this.#heap.alloc(this.#tableBytes);
      new Uint32Array(this.#heap.kernel.memory.buffer, this.rows, rows.length).set(rows);
    }
    const { start, end } = this.pending!;
    const bytes = end - start;
    if (this.#left < bytes) this.#makeChunk();
    this.loads.push(NOT_BEGUN);
    this.#begun += bytes;
    const extent = this.#slabs.push(this.#next) - 1;
    this.#next += bytes;
    this.#left -= bytes;
    return extent;
  }

  /** Room for the next extents. */
  #makeChunk(): void {
    const { extents } = this.plan;
    let bytes = 0;
    for (let i = this.begun; i < extents.length && bytes < CHUNK; i++) bytes += extents[i]!.end - extents[i]!.start;
    this.#next = this.#heap.alloc(bytes);
    this.#left = bytes;
    this.#chunks.push({ address: this.#next, bytes });
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
    const address = this.#heap.kernel.view.getUint32(this.addresses + 4 * index, true);
    const offset = start + address - HEADER_BYTES - this.#slabs[e]!;
    return { part, record: piece.first + index - piece.index, offset };
  }

  /** Gives its memory back. */
  free(): void {
    for (const { address, bytes } of this.#chunks) this.#heap.free(address, bytes);
    this.#chunks.length = 0;
    if (this.#tables > 0) this.#heap.free(this.#tables, this.#tableBytes);
    this.#tables = 0;
  }

  get #tableBytes(): number {
    return 8 * this.plan.records + 4 * this.plan.stage.rows.length;
  }
}
