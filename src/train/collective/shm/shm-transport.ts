import { readSync, writeSync } from 'node:fs';
import { memoryBytes } from '../../kernel/train-module.js';
import type { ReduceOp } from '../process-group.js';
import { ELEMENT_BYTES, reducer } from '../reduce.js';
import { sliceOf } from '../slices.js';
import { EXCHANGE_BYTES, type Span, type Transport, type TransportTools } from '../transport.js';
import { Flags } from './flags.js';
import { flagsOf, type ShmLayout, SLOTS, shmLayout } from './layout.js';
import { Patience } from './patience.js';
import { openShmFiles } from './shm-files.js';

/** What is read of an exchange at once: enough for most. */
const FIRST_BYTES = 2048;
const PAGE = 4096;
const LEAST_CHUNK_BYTES = 32 << 10;
/** Chunks by which a rank reads behind what it writes: the others have written theirs by then. */
const BEHIND = SLOTS / 2;

/**
 * Joins the ranks by memory that they share, if they are on one host: see {@link openShmFiles}. All ranks get a transport, or all the reason
 * why there is none.
 */
export async function shmTransport(
  tools: TransportTools,
  held: Set<string>,
): Promise<Transport | { readonly no: string }> {
  const layout = shmLayout(tools.mesh.worldSize);
  const opened = await openShmFiles(tools.mesh, layout, held);
  if ('no' in opened) return opened;
  return new ShmTransport(tools, layout, opened.files, opened.close);
}

/**
 * The ranks of one host exchange chunks through small slots that stay in the processors' caches. Each rank folds its own slice of the
 * array, chunk by chunk, in the order of ranks, and tells the others the result.
 */
class ShmTransport implements Transport {
  readonly name = 'shm';
  readonly #tools: TransportTools;
  readonly #layout: ShmLayout;
  readonly #files: readonly number[];
  readonly #release: () => void;
  readonly #rank: number;
  /** From the next one on, so that not all begin with the same. */
  readonly #others: readonly number[];
  readonly #flag: ReturnType<typeof flagsOf>;
  readonly #flags: Flags;
  readonly #patience: Patience;
  readonly #places: readonly Buffer[];
  #exchanges = 0;
  /** Chunks ever written to each box, and read of each rank's box for this one and for all. */
  readonly #sent: number[];
  readonly #taken: number[];
  readonly #heard: number[];
  #closed: { readonly reason: unknown } | undefined;

  constructor(tools: TransportTools, layout: ShmLayout, files: readonly number[], release: () => void) {
    const { rank, worldSize } = tools.mesh;
    this.#tools = tools;
    this.#layout = layout;
    this.#files = files;
    this.#release = release;
    this.#rank = rank;
    this.#others = files.map((_, i) => (rank + i) % worldSize).slice(1);
    this.#flag = flagsOf(worldSize);
    this.#flags = new Flags(files, rank, layout);
    this.#patience = new Patience(worldSize);
    this.#places = files.map(() => Buffer.alloc(4 + EXCHANGE_BYTES));
    this.#sent = files.map(() => 0);
    this.#taken = files.map(() => 0);
    this.#heard = files.map(() => 0);
  }

  async exchange(mine: Uint8Array): Promise<readonly Uint8Array[]> {
    this.#check();
    const at = this.#layout.exchange(this.#exchanges++);
    const own = this.#places[this.#rank]!;
    own.writeUInt32LE(mine.length);
    own.set(mine, 4);
    writeSync(this.#files[this.#rank]!, own, 0, 4 + mine.length, at);
    this.#flags.raise(this.#flag.exchanged);
    for (const other of this.#others) {
      await this.#until(other, this.#flag.exchanged, this.#exchanges);
      const place = this.#places[other]!;
      readSync(this.#files[other]!, place, 0, FIRST_BYTES, at);
      const rest = 4 + Math.min(place.readUInt32LE(), EXCHANGE_BYTES) - FIRST_BYTES;
      if (rest > 0) readSync(this.#files[other]!, place, FIRST_BYTES, rest, at + FIRST_BYTES);
    }
    return this.#places.map((place) => place.subarray(4, 4 + place.readUInt32LE()));
  }

  async allReduce(span: Span, op: Exclude<ReduceOp, 'mean'>, slices: boolean): Promise<void> {
    this.#check();
    const parts = this.#files.map((_, r) => sliceOf(span, r, this.#files.length));
    const fold = reducer(this.#tools.kernel, span.type, op);
    const size = this.#chunkBytes(parts);
    const chunk = (rank: number, k: number): Chunk => chunkOf(parts[rank]!, k, size);
    const chunks = Math.max(...parts.map((part) => chunksOf(part, size)));
    for (let k = 0; k < chunks + 2 * BEHIND; k++) {
      await this.#patience.breathe(this.#check);
      if (k < chunks) for (const other of this.#others) await this.#write(other, chunk(other, k));
      const folded = k - BEHIND;
      if (folded >= 0 && folded < chunks) {
        const own = chunk(this.#rank, folded);
        await this.#foldChunk(own, fold);
        if (!slices) await this.#write(this.#rank, own);
      }
      const heard = k - 2 * BEHIND;
      if (heard >= 0 && !slices) for (const other of this.#others) await this.#hear(other, chunk(other, heard));
    }
  }

  async allGather(parts: readonly Span[]): Promise<void> {
    this.#check();
    const size = this.#chunkBytes(parts);
    const counts = parts.map((part) => chunksOf(part, size));
    for (let k = 0; k < Math.max(...counts) + BEHIND; k++) {
      await this.#patience.breathe(this.#check);
      if (k < counts[this.#rank]!) await this.#write(this.#rank, chunkOf(parts[this.#rank]!, k, size));
      const heard = k - BEHIND;
      for (const other of this.#others) {
        if (heard >= 0 && heard < counts[other]!) await this.#hear(other, chunkOf(parts[other]!, heard, size));
      }
    }
  }

  async broadcast(span: Span, root: number): Promise<void> {
    await this.allGather(this.#files.map((_, r) => (r === root ? span : { ...span, count: 0 })));
  }

  close(reason: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.#release();
  }

  readonly #check = (): void => {
    if (this.#closed !== undefined) throw this.#closed.reason;
  };

  /** How much of each part goes into a slot: small enough that reading overlaps with writing, if there is much. */
  #chunkBytes(parts: readonly Span[]): number {
    const eighth = Math.ceil(Math.max(...parts.map(bytesOf)) / 8 / PAGE) * PAGE;
    return Math.min(this.#layout.slotBytes, Math.max(eighth, LEAST_CHUNK_BYTES));
  }

  async #until(rank: number, flag: number, count: number): Promise<void> {
    if (this.#flags.reached(rank, flag, count)) return;
    await this.#patience.until(() => this.#flags.reached(rank, flag, count), this.#check);
  }

  /** Writes to a box as soon as a slot is free; the box with the own number is for all. */
  async #write(box: number, { address, bytes }: Chunk): Promise<void> {
    const sequence = this.#sent[box]!++;
    if (sequence >= SLOTS) {
      const free = sequence + 1 - SLOTS;
      if (box !== this.#rank) await this.#until(box, this.#flag.taken(this.#rank), free);
      else for (const other of this.#others) await this.#until(other, this.#flag.heard(this.#rank), free);
    }
    const file = this.#files[this.#rank]!;
    if (bytes > 0) writeSync(file, this.#bytesTo(address + bytes), address, bytes, this.#layout.slot(box, sequence));
    this.#flags.raise(this.#flag.sent(box));
  }

  /** Reads the next chunk that the source wrote for this rank. */
  async #take(source: number, address: number, bytes: number): Promise<void> {
    await this.#read(source, this.#rank, this.#taken[source]!++, address, bytes);
    this.#flags.raise(this.#flag.taken(source));
  }

  /** Reads the next chunk that the source told to all. */
  async #hear(source: number, { address, bytes }: Chunk): Promise<void> {
    await this.#read(source, source, this.#heard[source]!++, address, bytes);
    this.#flags.raise(this.#flag.heard(source));
  }

  async #read(source: number, box: number, sequence: number, address: number, bytes: number): Promise<void> {
    await this.#until(source, this.#flag.sent(box), sequence + 1);
    if (bytes > 0)
      readSync(this.#files[source]!, this.#bytesTo(address + bytes), address, bytes, this.#layout.slot(box, sequence));
  }

  /** Folds what all ranks have of a chunk into its place: ((x0 + x1) + x2) + ... */
  async #foldChunk({ address, bytes, count }: Chunk, fold: Fold): Promise<void> {
    const { scratch } = this.#tools;
    const place = (source: number): number =>
      source === this.#rank ? address : scratch + source * this.#layout.slotBytes;
    for (const source of this.#others) await this.#take(source, place(source), bytes);
    for (let source = 1; source < this.#files.length; source++) {
      // The operations are commutative, bit by bit, so the sum of those before can be added to the own numbers.
      if (source === this.#rank) fold(address, place(0), count);
      else fold(place(source < this.#rank ? 0 : this.#rank), place(source), count);
    }
  }

  #bytesTo(end: number): Uint8Array {
    return memoryBytes(this.#tools.memory, end);
  }
}

type Fold = (dst: number, src: number, count: number) => void;

interface Chunk {
  readonly address: number;
  readonly bytes: number;
  readonly count: number;
}

function bytesOf({ count, type }: Span): number {
  return count * ELEMENT_BYTES[type];
}

function chunksOf(part: Span, size: number): number {
  return Math.ceil(bytesOf(part) / size);
}

/** The k-th chunk of a part; maybe none of it. */
function chunkOf(part: Span, k: number, size: number): Chunk {
  const from = Math.min(bytesOf(part), k * size);
  const bytes = Math.min(size, bytesOf(part) - from);
  return { address: part.address + from, bytes, count: bytes / ELEMENT_BYTES[part.type] };
}
