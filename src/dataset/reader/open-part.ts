import {
  type CallOptions,
  decompress,
  type FileReader,
  type Location,
  localFileSystem,
  type MemberTable,
} from '../../files/index.js';
import type { CatalogPart } from '../catalog.js';
import { checkUnchanged } from '../check-unchanged.js';
import { openReader } from '../direct-file.js';
import type { PartIndexes } from '../part-indexes.js';
import { type ReadCounters, zeroCounters } from '../read-counters.js';
import type { JointReads } from './joint-reads.js';
import { memberFrom } from './members.js';
import { isRemote } from './stage-plan.js';
import { type Hole, type UnpackedParts, withZeros } from './unpacked-parts.js';

/** Where read bytes go: memory for bytes [at, at + bytes) of a range, good until the next await. */
export type Room = (at: number, bytes: number) => Uint8Array;

/** What came of a range: less bytes than asked for only where the part ends. */
export interface Read {
  readonly bytes: number;
  readonly holes: readonly Hole[];
}

/** Reads ranges of the uncompressed bytes of a part. */
export interface OpenPart {
  read(start: number, end: number, room: Room, options: CallOptions): Promise<Read>;
  close(): Promise<void>;
}

/** What opened parts share. */
export interface OpenPartTools {
  readonly indexes: Pick<PartIndexes, 'get'>;
  readonly counters: ReadCounters;
  readonly unpacked: Pick<UnpackedParts, 'get'>;
  /** Of remote parts. */
  readonly joint: JointReads;
  /** Memory for what does not come straight to where it belongs. */
  readonly spare: Uint8Array[];
}

/** So much of it is kept. */
const SPARES = 4;
const MOST_SPARE = 6 << 20;
const NO_HOLES: readonly Hole[] = [];

/** Whether a part's bytes go straight to where they belong, which has to stay there until they have come. */
export function readsDirectly({ fs, compression }: CatalogPart): boolean {
  return fs.scheme === 'file' && fs.openReader !== undefined && compression === 'none';
}

/** Whether ranges of a part are worth joining. */
export function readsJointly(part: CatalogPart): boolean {
  return part.compression === 'none' && isRemote(part);
}

/** Opens a part: plain, compressed in members that can be entered, or else unpacked to local disk. @throws SHARDFEED_CHANGED, NOT_FOUND */
export async function openPart(
  part: CatalogPart,
  number: number,
  tools: OpenPartTools,
  options: CallOptions,
): Promise<OpenPart> {
  const { counters, spare } = tools;
  if (part.compression === 'none') {
    const reader = await openReader(part, options);
    try {
      await checkUnchanged(part, { ...options, found: reader?.found });
    } catch (error) {
      await reader?.close();
      throw error;
    }
    if (reader === undefined) return streamPart(part, counters);
    const plain = readerPart(reader, counters);
    if (readsDirectly(part)) return plain;
    return readsJointly(part) ? jointPart(plain, number, tools) : copyPart(plain, spare);
  }
  await checkUnchanged(part, options);
  const members = part.splittable ? (await tools.indexes.get(number, options)).memberTable : undefined;
  if (members !== undefined) return memberPart(part, members, counters);
  const { path, holes } = await tools.unpacked.get(number, options);
  const location = { fs: localFileSystem(), path };
  const reader = await openReader(location, options);
  const inner = reader === undefined ? streamPart(location) : copyPart(readerPart(reader), spare);
  return {
    async read(start, end, room, call) {
      const { bytes } = await inner.read(start, end, room, call);
      return { bytes, holes: holes.filter((hole) => hole.start <= end && start <= hole.end) };
    },
    close: () => inner.close(),
  };
}

function streamPart({ fs, path }: Location, counters = zeroCounters()): OpenPart {
  return {
    async read(start, end, room, options) {
      counters.requests++;
      let bytes = 0;
      for await (const chunk of fs.read(path, { ...options, start, end })) {
        room(bytes, chunk.length).set(chunk);
        bytes += chunk.length;
      }
      counters.bytes += bytes;
      return { bytes, holes: NO_HOLES };
    },
    close: async () => {},
  };
}

function readerPart(reader: FileReader, counters = zeroCounters()): OpenPart {
  return {
    async read(start, end, room) {
      counters.requests++;
      let bytes = 0;
      while (bytes < end - start) {
        const count = await reader.read(room(bytes, end - start - bytes), start + bytes);
        if (count === 0) break;
        bytes += count;
      }
      counters.bytes += bytes;
      return { bytes, holes: NO_HOLES };
    },
    close: () => reader.close(),
  };
}

/** Through memory of its own: where the bytes belong may move while a server takes its time. */
function copyPart(inner: OpenPart, spare: Uint8Array[]): OpenPart {
  return {
    async read(start, end, room, options) {
      const fits = spare.findIndex(({ length }) => length >= end - start);
      const own = fits < 0 ? Buffer.allocUnsafeSlow(end - start) : spare.splice(fits, 1)[0]!;
      try {
        const read = await inner.read(start, end, (at, length) => own.subarray(at, at + length), options);
        room(0, read.bytes).set(own.subarray(0, read.bytes));
        return read;
      } finally {
        if (own.length <= MOST_SPARE && spare.length < SPARES) spare.push(own);
      }
    },
    close: () => inner.close(),
  };
}

/** A gzip part in members; ranges begin and end where members do. */
/** With what is wanted soon and touches it; what nothing touches through memory that is used again. */
function jointPart(inner: OpenPart, number: number, { joint, spare }: OpenPartTools): OpenPart {
  const alone = copyPart(inner, spare);
  return {
    async read(start, end, room, options) {
      const found = await joint.take(number, start, end, async (from, to) => {
        const own = Buffer.allocUnsafeSlow(to - from);
        const { bytes } = await inner.read(from, to, (at, length) => own.subarray(at, at + length), options);
        return own.subarray(0, bytes);
      });
      if (found === undefined) return alone.read(start, end, room, options);
      room(0, found.length).set(found);
      return { bytes: found.length, holes: NO_HOLES };
    },
    close: () => inner.close(),
  };
}

function memberPart({ fs, path }: Location, table: MemberTable, counters: ReadCounters): OpenPart {
  return {
    async read(start, end, room, { signal }) {
      const members = table.members.filter(({ offset }) => offset >= start && offset < end);
      const from = members[0]!;
      const to = memberFrom(table, end);
      const within = { members, storedBytes: to.stored, bytes: to.offset };
      const stored = fs.read(path, { signal, start: from.stored, end: to.stored });
      counters.requests++;
      counters.bytes += to.stored - from.stored;
      const holes: Hole[] = [];
      const options = { path, signal, start: from.stored, members: within, damage: 'gap' } as const;
      let bytes = 0;
      for await (const chunk of withZeros(decompress(stored, 'gzip', options), start, holes)) {
        room(bytes, chunk.length).set(chunk);
        bytes += chunk.length;
      }
      return { bytes, holes };
    },
    close: async () => {},
  };
}
