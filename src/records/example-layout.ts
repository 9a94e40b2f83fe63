import { byteKey, eachField, parseEntry } from './example-parse.js';
import { C, type KernelColumns } from './kernel/columns.js';
import type { Kernel } from './kernel/kernel.js';
import { WireReader } from './wire.js';

/** The slot of assembly/example-decode.ts: what the kernel expects of one entry of the features map. */
const SLOT_BYTES = 192;
const S = { OP: 0, COLUMN: 4, LENGTH: 8, HEADER: 12, BLOCKS: 16, REST: 20, COUNTS: 44, EXPECT: 64, SHIFT: 80 } as const;
/** Of the vectors of 16 bytes that an entry is compared by. */
const BLOCK_BYTES = 32;
const Op = { SKIP: 1, INT: 2, FLOAT: 3, BYTES: 4, LIST: 5 } as const;
/** Where a column's descriptor names its slot. */
const P_SLOT = C.SCRATCH + 12;
/** Templates hold this many bytes: an entry's tags, lengths and key. */
const MAX_HEADER = 64;
/** More entries than this are not predicted. */
const MAX_SLOTS = 8192;

interface Slot {
  readonly key: string;
  /** Column that the key belongs to, or -1. */
  readonly column: number;
  readonly bytes: Uint8Array;
}

/**
 * The order and form in which a file's records have their features, learnt from records that surprised the kernel and
 * merged, so that features that come and go each keep their place.
 */
export class ExampleLayout {
  readonly #kernel: Kernel;
  readonly #columns: KernelColumns;
  readonly #columnOf = new Map<string, number>();
  #slots: Slot[] = [];
  #address = 0;
  #capacity = 0;

  constructor(columns: KernelColumns) {
    this.#kernel = columns.kernel;
    this.#columns = columns;
    columns.schema.features.forEach((feature, i) => {
      this.#columnOf.set(byteKey(new TextEncoder().encode(feature.name)), i);
      columns.set(i, P_SLOT, 0);
    });
  }

  /** Address of the slots in the kernel's memory, and their number. */
  get address(): number {
    return this.#address;
  }
  get count(): number {
    return this.#slots.length;
  }

  /** Learns from a valid Example. */
  learn(example: Uint8Array): void {
    this.#slots = merge(this.#slots, this.#slotsOf(example)).slice(0, MAX_SLOTS);
    const kernel = this.#kernel;
    if (this.#slots.length > this.#capacity) {
      this.#capacity = 2 * this.#slots.length;
      // At the beginning of a cache line.
      this.#address = (kernel.alloc(this.#capacity * SLOT_BYTES + 63) + 63) & ~63;
    }
    for (const i of this.#columnOf.values()) this.#columns.set(i, P_SLOT, 0);
    this.#slots.forEach((slot, i) => {
      const address = this.#address + i * SLOT_BYTES;
      kernel.u8.set(slot.bytes, address);
      if (slot.column < 0) return;
      kernel.view.setUint32(address + S.COLUMN, this.#columns.addressOf(slot.column), true);
      this.#columns.set(slot.column, P_SLOT, address);
    });
  }

  /** A slot for each entry that has the form which encoders write, in the order of the record. */
  #slotsOf(example: Uint8Array): Slot[] {
    const reader = new WireReader(example);
    const slots = new Map<string, Slot>();
    eachField(reader, example.length, (field, end) => {
      if (field !== 1) return false;
      while (reader.position < end && slots.size < MAX_SLOTS) {
        const start = reader.position;
        reader.tag(end);
        if (reader.field !== 1 || reader.wireType !== 2) {
          reader.skip(end);
          continue;
        }
        const entryEnd = reader.length(end);
        const { key } = parseEntry(reader, entryEnd);
        const slot = this.#predict(example.subarray(start, entryEnd), key);
        if (slot !== undefined && !slots.has(key)) slots.set(key, slot);
      }
      reader.position = end;
      return true;
    });
    return [...slots.values()];
  }

  /**
   * 0a entry 0a key-length key 12 feature [kind list 0a data-length]: every length is one byte and reaches to the end, so
   * they all change together. Undefined for an entry of another form, or of a kind that its column does not have.
   */
  #predict(entry: Uint8Array, key: string): Slot | undefined {
    const column = this.#columnOf.get(key) ?? -1;
    const feature = 4 + key.length;
    const header = column < 0 ? feature + 2 : feature + 6;
    const lengths = column < 0 ? [1, feature + 1] : [1, feature + 1, feature + 3, feature + 5];
    if (header > MAX_HEADER || header > entry.length || entry[1]! > 127) return undefined;
    const tags = entry[0] === 0x0a && entry[2] === 0x0a && entry[3] === key.length && entry[feature] === 0x12;
    if (!tags || lengths.some((at) => entry[at] !== entry.length - at - 1)) return undefined;
    let op: number = Op.SKIP;
    if (column >= 0) {
      const { kind, shape } = this.#columns.schema.features[column]!;
      const single = shape !== 'ragged' && shape.every((d) => d === 1);
      const tag = kind === 'bytes' ? 0x0a : kind === 'float' ? 0x12 : 0x1a;
      if (entry[feature + 2] !== tag || entry[feature + 4] !== 0x0a) return undefined;
      if (kind === 'bytes' && !single && shape !== 'ragged') return undefined;
      op = single ? (kind === 'bytes' ? Op.BYTES : kind === 'float' ? Op.FLOAT : Op.INT) : Op.LIST;
    }
    const bytes = new Uint8Array(SLOT_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(S.OP, op, true);
    view.setUint32(S.LENGTH, entry[1]!, true);
    view.setUint32(S.HEADER, header, true);
    view.setUint32(S.BLOCKS, Math.ceil(header / 16), true);
    view.setInt32(S.REST, entry.length - header - entry[1]!, true);
    for (let at = 0; at < header; at++) {
      const block = at >> 4;
      const place = block * BLOCK_BYTES + (at & 15);
      bytes[S.EXPECT + place] = entry[at]!;
      if (lengths.includes(at)) bytes[S.SHIFT + place] = 0xff;
      const counts = S.COUNTS + 4 * block;
      view.setUint32(counts, view.getUint32(counts, true) | (1 << (at & 15)), true);
    }
    return { key, column, bytes };
  }
}

/** Slots in an order that holds for the old ones and the new ones; where there is none, the new ones alone. */
function merge(old: readonly Slot[], fresh: readonly Slot[]): Slot[] {
  const places = new Map(old.map((slot, i) => [slot.key, i]));
  const merged: Slot[] = [];
  let next = 0;
  for (const slot of fresh) {
    const place = places.get(slot.key);
    if (place !== undefined && place < next) return [...fresh];
    if (place !== undefined) {
      merged.push(...old.slice(next, place));
      next = place + 1;
    }
    merged.push(slot);
  }
  return [...merged, ...old.slice(next)];
}
