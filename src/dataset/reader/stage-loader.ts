import { ShardfeedError } from '../../errors.js';
import { type CallOptions, displayPath } from '../../files/index.js';
import { FRAME_BYTES, HEADER_BYTES, Walk } from '../../records/framing.js';
import type { Kernel } from '../../records/index.js';
import { type PlacedEnd, PlacedWalk, type WalkOptions } from '../../records/placed-walk.js';
import { endError, gapError, reasonOf, recordError } from '../../records/record-faults.js';
import type { CatalogPart } from '../catalog.js';
import { checkUnchanged } from '../check-unchanged.js';
import type { PartIndexes } from '../part-indexes.js';
import type { LoadedStage } from './loaded-stage.js';
import { type OpenPartTools, readsDirectly } from './open-part.js';
import { PartFiles } from './part-files.js';
import type { Extent, Piece } from './stage-plan.js';
import type { Hole } from './unpacked-parts.js';

/** An extent that has been read: where it lies, and where the bytes end that are there. */
interface Arrived {
  readonly stage: LoadedStage;
  readonly extent: Extent;
  readonly address: number;
  readonly end: number;
  readonly holes: readonly Hole[];
}

/** Reads the extents of stages into a kernel's memory and verifies their records. */
export class StageLoader {
  readonly files: PartFiles;
  readonly #kernel: Kernel;
  readonly #parts: readonly CatalogPart[];
  readonly #indexes: Pick<PartIndexes, 'get'>;
  readonly #walk: PlacedWalk;
  readonly #options: CallOptions;

  constructor(
    kernel: Kernel,
    parts: readonly CatalogPart[],
    tools: Omit<OpenPartTools, 'spare'>,
    { signal, ...walk }: WalkOptions & CallOptions,
  ) {
    this.files = new PartFiles(parts, tools, { signal });
    this.#kernel = kernel;
    this.#parts = parts;
    this.#indexes = tools.indexes;
    this.#walk = new PlacedWalk(kernel, walk);
    this.#options = { signal };
  }

  /** Whether an extent is read straight into the kernel's memory, which may not grow meanwhile. */
  isDirect({ part }: Extent): boolean {
    return readsDirectly(this.#parts[part]!);
  }

  /**
   * Reads and verifies extents [first, end) of a part, which have their slabs; one behind the other.
   * Faults of records are noted in the stage.
   */
  load(stage: LoadedStage, first: number, end: number): Promise<void> {
    const { extents } = stage.plan;
    return this.files.use(extents[first]!.part, async (read) => {
      for (let i = first; i < end; i++) {
        const extent = extents[i]!;
        const address = stage.slab(i);
        const length = extent.end - extent.start;
        const { bytes, holes } = await read(extent.start, extent.end, (at, most) =>
          this.#kernel.u8.subarray(address + at, address + Math.min(at + most, length)),
        );
        const there = { stage, extent, address, end: address + bytes, holes };
        for (const piece of extent.pieces) {
          const stop = this.#verify(there, piece, 0, piece.start);
          if (stop !== undefined) await this.#mend(there, piece, stop);
          for (const hole of holes) this.#noteHarmless(stage, extent.part, piece, hole);
        }
      }
    });
  }

  /** Walks a piece from its record `k` on, which begins at `offset`; undefined where all is as it should be. */
  #verify({ stage, extent, address, end }: Arrived, piece: Piece, k: number, offset: number): PlacedEnd | undefined {
    const base = address - extent.start;
    const to = Math.min(base + piece.end, end);
    const at = 4 * (piece.index + k);
    const places = { addresses: stage.addresses + at, lengths: stage.lengths + at };
    const stop = this.#walk.walk(base + offset, to, piece.count - k, places);
    return k + stop.count === piece.count && stop.address === base + piece.end ? undefined : stop;
  }

  /** Damage that took nothing is told with the first record of the piece, so that it is not passed over in silence. */
  #noteHarmless({ faults }: LoadedStage, part: number, piece: Piece, { start, end, gap }: Hole): void {
    if (start < end || start < piece.start || start >= piece.end || faults.has(piece.index)) return;
    const where = { path: displayPath(this.#parts[part]!), record: piece.first, offset: start };
    const loss = { ...where, reason: 'damaged-stream', end: start, count: 0, atLeast: false } as const;
    faults.set(piece.index, { error: gapError(gap, where), loss, address: 0, bytes: 0 });
  }

  /** Notes what is wrong in a piece, record for record: each lies where the index says, whatever is wrong before it. */
  async #mend(arrived: Arrived, piece: Piece, stopped: PlacedEnd): Promise<void> {
    const { stage, extent, address, end, holes } = arrived;
    const { part, start } = extent;
    await checkUnchanged(this.#parts[part]!, this.#options);
    const offsets = await this.#indexes.get(part, this.#options);
    const path = displayPath(this.#parts[part]!);
    let k = 0;
    for (let stop: PlacedEnd | undefined = stopped; stop !== undefined; ) {
      k += stop.count;
      const record = piece.first + k;
      const offset = offsets.offsetOf(record);
      const at = address + offset - start;
      if (k === piece.count || (at !== stop.address && at < end)) throw unlike(path, record, offset);
      const next = offsets.offsetOf(record + 1);
      const length = this.#walk.lengthAt(at, end);
      const isThere =
        stop.status === Walk.BAD_HEADER &&
        length === next - offset - FRAME_BYTES &&
        this.#walk.payloadIsGood(at, length, end);
      const where = { path, record, offset };
      const hole = holes.find((lost) => lost.start < next && offset < lost.end);
      const examined = { status: stop.status, offset, length };
      const ended = stop.status === Walk.OK;
      const reason = hole !== undefined ? 'damaged-stream' : ended ? 'truncated' : reasonOf(stop.status);
      const error =
        hole !== undefined
          ? gapError(hole.gap, where)
          : ended
            ? endError(this.#parts[part]!.records, where)
            : recordError(examined, where, this.#walk.maxRecordBytes, start + end - address);
      const lostEnd = isThere ? offset + HEADER_BYTES : next;
      stage.faults.set(piece.index + k, {
        error,
        loss: { ...where, reason, end: lostEnd, count: isThere ? 0 : 1, atLeast: false },
        address: at,
        bytes: isThere ? 0 : Math.max(0, Math.min(next - offset, end - at)),
      });
      if (isThere) {
        stage.setPlace(piece.index + k, at + HEADER_BYTES, length);
      }
      k++;
      if (k === piece.count) return;
      stop = this.#verify(arrived, piece, k, next);
    }
  }
}

function unlike(path: string, record: number, offset: number): ShardfeedError {
  const what = `the index of ${path} says that record ${record} begins at byte ${offset}, where none does: make it anew`;
  return new ShardfeedError('SHARDFEED_STALE', what, { path, record, offset });
}
