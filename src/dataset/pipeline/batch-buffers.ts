import { type Batch, type Column, copyArray } from '../../records/batch.js';

/** A batch, perhaps with some columns copied, and the buffers by which it moves to another thread. */
export interface Movable<B extends Batch> {
  readonly batch: B;
  readonly transfer: ArrayBuffer[];
}

/**
 * Makes a batch ready to move: buffers that its columns fill are given up; columns that see a part of something larger
 * (Node's pool, a slab) are copied, since cloning would take all of it along.
 */
export function movable<B extends Batch>(batch: B): Movable<B> {
  const seen = new Map<ArrayBufferLike, { bytes: number; views: Set<number> }>();
  for (const view of viewsOf(batch)) {
    const entry = seen.get(view.buffer) ?? { bytes: 0, views: new Set() };
    seen.set(view.buffer, entry);
    if (!entry.views.has(view.byteOffset)) entry.bytes += (view.byteLength + 7) & ~7; // where columns share a buffer
    entry.views.add(view.byteOffset);
  }
  const filled = ({ buffer }: ArrayBufferView): boolean =>
    buffer instanceof ArrayBuffer && seen.get(buffer)!.bytes >= buffer.byteLength;
  const own = <T>(value: T): T =>
    ArrayBuffer.isView(value) && !filled(value) ? (copyArray(value as unknown as Uint8Array) as T) : value;
  const columns = Object.entries(batch.columns).map(([name, column]) => [
    name,
    Object.fromEntries(Object.entries(column).map(([key, value]) => [key, own(value)])) as unknown as Column,
  ]);
  const moved: B = { ...batch, columns: Object.fromEntries(columns), mask: own(batch.mask) };
  return { batch: moved, transfer: [...new Set([...viewsOf(moved)].map(({ buffer }) => buffer as ArrayBuffer))] };
}

/** Bytes of memory that a batch keeps alive. */
export function batchBytes(batch: Batch): number {
  const buffers = new Set([...viewsOf(batch)].map(({ buffer }) => buffer));
  let bytes = 0;
  for (const { byteLength } of buffers) bytes += byteLength;
  return bytes;
}

function* viewsOf({ columns, mask }: Batch): Generator<ArrayBufferView> {
  yield mask;
  for (const column of Object.values(columns)) {
    for (const value of Object.values(column)) if (ArrayBuffer.isView(value)) yield value;
  }
}
