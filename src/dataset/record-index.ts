import { ShardfeedError } from '../errors.js';
import {
  baseName,
  type Codec,
  joinPath,
  type Location,
  type Member,
  type MemberTable,
  parentPath,
} from '../files/index.js';
import { crc32c, FRAME_BYTES, type RecordOffsets } from '../records/index.js';
import { expandLengths, STRIDE, type Starts, startsOf } from './expand-lengths.js';

// The file, little endian: a header of HEADER bytes, the members (u64 stored, u64 offset each), the lengths, u32 CRC32C of
// all that. Lengths are stored as what they have above the least one, in 0, 1, 2 or 4 bytes each.
//   0  8 bytes  magic          8  u32 version       12 u32 bytes per length
//  16  u64 records            24  u64 stored bytes  32 u64 uncompressed bytes
//  40  32 bytes digest        72  u32 members       76 u32 least length
//  80  u32 codec              84  u32 CRC32C of the header up to here
const MAGIC = Uint8Array.from('sfrecidx', (c) => c.charCodeAt(0));
const VERSION = 1;
export const INDEX_HEADER_BYTES = 88;
const MEMBER_BYTES = 16;
const CODECS: readonly Codec[] = ['none', 'gzip', 'zlib', 'zstd'];
/** Above this many records lengths are stored even if all are the same, so that a small index never asks for much memory. */
const MOST_IMPLIED = 2 ** 24;

export type LengthsPiece = Uint8Array | Uint16Array | Uint32Array;

/** What an index is made from. */
export interface IndexInput {
  /** Payload lengths in order, in one piece or several; pieces whose lengths are small may be narrow. */
  readonly lengths: Uint32Array | readonly LengthsPiece[];
  /** Of the stored part file. */
  readonly bytes: number;
  /** See `PartDigest`. */
  readonly digest: string;
  readonly compression: Codec;
  /** Where gzip members begin, for a file that was cut at records; empty for others. */
  readonly members?: readonly Member[];
}

/** The head of an index: enough to count, and to see whether it belongs to a file. */
export interface IndexHeader {
  readonly records: number;
  /** Of the stored part file. */
  readonly storedBytes: number;
  /** Of the uncompressed part file. */
  readonly bytes: number;
  readonly digest: string;
  readonly compression: Codec;
}

/** Where the index of a part file lies: `_index/<name>.idx` in its folder. */
export function indexLocation({ fs, path }: Location): Location {
  return { fs, path: joinPath(parentPath(path), indexName(baseName(path))) };
}

/** The index's path, relative to its part's folder. */
export function indexName(part: string): string {
  return `_index/${part}.idx`;
}

/** Where each record of a part file lies. */
export class RecordIndex implements RecordOffsets, IndexHeader {
  readonly lengths: Uint32Array;
  readonly members: readonly Member[];
  readonly storedBytes: number;
  readonly bytes: number;
  readonly digest: string;
  readonly compression: Codec;
  readonly #starts: Float64Array;

  /** `known`: where every STRIDE-th record begins, and the last one ends. */
  constructor({ lengths, bytes, digest, compression, members = [] }: IndexInput, known?: Starts) {
    this.lengths = lengths instanceof Uint32Array ? lengths : join(lengths);
    this.members = members;
    this.storedBytes = bytes;
    this.digest = digest;
    this.compression = compression;
    const { starts, end } = known ?? startsOf(this.lengths);
    this.#starts = starts;
    this.bytes = end;
  }

  get count(): number {
    return this.lengths.length;
  }
  get records(): number {
    return this.lengths.length;
  }

  /** Where record i's header begins in the uncompressed file; for i = count, where the file ends. */
  offsetOf(record: number): number {
    if (!(record >= 0 && record <= this.count)) throw new RangeError(`record ${record} of ${this.count}`);
    if (record === this.count) return this.bytes;
    const from = Math.floor(record / STRIDE);
    let offset = this.#starts[from]!;
    for (let i = from * STRIDE; i < record; i++) offset += this.lengths[i]! + FRAME_BYTES;
    return offset;
  }

  /** Whether a record begins at an offset of the uncompressed file, or the file ends there. */
  startsAt(offset: number): boolean {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsetOf(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return this.offsetOf(low) === offset;
  }

  /** The members of a gzip file that can be entered at each of them; undefined for other files. */
  get memberTable(): MemberTable | undefined {
    const { members, storedBytes, bytes } = this;
    return members.length === 0 ? undefined : { members, storedBytes, bytes };
  }
}

function join(pieces: readonly LengthsPiece[]): Uint32Array {
  const lengths = new Uint32Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    lengths.set(piece, at);
    at += piece.length;
  }
  return lengths;
}

/** The bytes of an index file. */
export function encodeIndex({
  lengths,
  members = [],
  bytes: storedBytes,
  digest,
  compression,
}: IndexInput): Uint8Array {
  const pieces = lengths instanceof Uint32Array ? [lengths] : lengths;
  let records = 0;
  let uncompressed = 0;
  let least = 0xffffffff;
  let most = 0;
  for (const piece of pieces) {
    records += piece.length;
    for (let i = 0; i < piece.length; i++) {
      const length = piece[i]!;
      uncompressed += length + FRAME_BYTES;
      if (length < least) least = length;
      if (length > most) most = length;
    }
  }
  if (records === 0) least = 0;
  const spread = most - least;
  const unit = spread === 0 && lengths.length <= MOST_IMPLIED ? 0 : spread < 256 ? 1 : spread < 65536 ? 2 : 4;
  const body = INDEX_HEADER_BYTES + MEMBER_BYTES * members.length;
  const bytes = new Uint8Array(body + unit * records + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, unit, true);
  view.setBigUint64(16, BigInt(records), true);
  view.setBigUint64(24, BigInt(storedBytes), true);
  view.setBigUint64(32, BigInt(uncompressed), true);
  bytes.set(Buffer.from(digest, 'hex'), 40);
  view.setUint32(72, members.length, true);
  view.setUint32(76, least, true);
  view.setUint32(80, CODECS.indexOf(compression), true);
  view.setUint32(84, crc32c(bytes.subarray(0, 84)), true);
  members.forEach(({ stored, offset }, i) => {
    view.setBigUint64(INDEX_HEADER_BYTES + MEMBER_BYTES * i, BigInt(stored), true);
    view.setBigUint64(INDEX_HEADER_BYTES + MEMBER_BYTES * i + 8, BigInt(offset), true);
  });
  let at = body;
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i++, at += unit) {
      const rest = piece[i]! - least;
      if (unit === 1) bytes[at] = rest;
      else if (unit === 2) view.setUint16(at, rest, true);
      else if (unit === 4) view.setUint32(at, rest, true);
    }
  }
  view.setUint32(bytes.length - 4, crc32c(bytes.subarray(0, bytes.length - 4)), true);
  return bytes;
}

/** What the first bytes of an index file say. */
export interface IndexHead extends IndexHeader {
  /** Bytes that each length takes. */
  readonly unit: number;
  /** How many gzip members it lists. */
  readonly members: number;
  /** What all lengths are above. */
  readonly least: number;
}

/** Reads the head of an index file, of which `bytes` are at least the first INDEX_HEADER_BYTES. @throws SHARDFEED_MANIFEST */
export function decodeIndexHeader(bytes: Uint8Array, file: string): IndexHead {
  if (bytes.length < INDEX_HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw damaged(file, 'this is no record index');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new ShardfeedError(
      'SHARDFEED_UNSUPPORTED',
      `${file} has version ${version}, this release reads version ${VERSION}: make the index anew`,
      { path: file },
    );
  }
  if (crc32c(bytes.subarray(0, 84)) !== view.getUint32(84, true))
    throw damaged(file, 'the checksum of its header is wrong');
  const compression = CODECS[view.getUint32(80, true)];
  if (compression === undefined) throw damaged(file, 'its codec is unknown');
  return {
    records: Number(view.getBigUint64(16, true)),
    storedBytes: Number(view.getBigUint64(24, true)),
    bytes: Number(view.getBigUint64(32, true)),
    digest: Buffer.from(bytes.subarray(40, 72)).toString('hex'),
    compression,
    unit: view.getUint32(12, true),
    members: view.getUint32(72, true),
    least: view.getUint32(76, true),
  };
}

/** Reads an index file; `file` names it in errors. @throws SHARDFEED_MANIFEST, SHARDFEED_UNSUPPORTED */
export function decodeIndex(bytes: Uint8Array, file: string): RecordIndex {
  const head = decodeIndexHeader(bytes, file);
  const { records, unit, least } = head;
  const body = INDEX_HEADER_BYTES + MEMBER_BYTES * head.members;
  const implied = unit === 0 && records > MOST_IMPLIED;
  if (![0, 1, 2, 4].includes(unit) || implied || bytes.length !== body + unit * records + 4) {
    throw damaged(file, 'its size is not what its header says');
  }
  const plausible = head.compression === 'none' ? head.bytes === head.storedBytes : head.bytes <= mostFrom(head);
  if (!plausible || head.bytes < records * FRAME_BYTES) throw damaged(file, 'its sizes contradict each other');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { lengths, starts, end, crc } = expandLengths(bytes.subarray(0, bytes.length - 4), {
    body,
    unit,
    least,
    records,
  });
  if (crc !== view.getUint32(bytes.length - 4, true)) throw damaged(file, 'its checksum is wrong');
  const members = Array.from({ length: head.members }, (_, i) => ({
    stored: Number(view.getBigUint64(INDEX_HEADER_BYTES + MEMBER_BYTES * i, true)),
    offset: Number(view.getBigUint64(INDEX_HEADER_BYTES + MEMBER_BYTES * i + 8, true)),
  }));
  const { storedBytes, digest, compression } = head;
  const index = new RecordIndex({ lengths, bytes: storedBytes, digest, compression, members }, { starts, end });
  if (index.bytes !== head.bytes) throw damaged(file, 'its lengths do not add up');
  checkMembers(index, file);
  return index;
}

/** How many bytes can come out of a compressed file: deflate and zstd give at most some thousands for one. */
function mostFrom({ storedBytes }: IndexHeader): number {
  return storedBytes * 16384 + 65536;
}

function checkMembers(index: RecordIndex, file: string): void {
  let last: Member = { stored: -1, offset: -1 };
  for (const member of index.members) {
    const first = last.offset < 0;
    const rises = member.stored > last.stored && member.offset >= last.offset && member.stored < index.storedBytes;
    if (first ? member.stored !== 0 || member.offset !== 0 : !rises || member.offset > index.bytes) {
      throw damaged(file, 'its gzip members are out of order');
    }
    if (!index.startsAt(member.offset)) throw damaged(file, 'a gzip member begins inside a record');
    last = member;
  }
}

function damaged(file: string, what: string): ShardfeedError {
  return new ShardfeedError('SHARDFEED_MANIFEST', `${file}: ${what}; delete it or make it anew (shardfeed index)`, {
    path: file,
  });
}

/**
 * Refuses an index that does not belong to a part: the stored size differs, or the digest where one is known.
 * @throws SHARDFEED_STALE
 */
export function checkIndex(
  index: IndexHeader,
  part: { bytes: number; digest?: string | undefined },
  file: string,
): void {
  const what =
    index.storedBytes !== part.bytes
      ? `was made for a file of ${index.storedBytes} bytes, the file has ${part.bytes}`
      : part.digest !== undefined && index.digest !== part.digest
        ? 'was made for other records than the manifest lists'
        : undefined;
  if (what === undefined) return;
  throw new ShardfeedError('SHARDFEED_STALE', `${file} ${what}; delete it or make it anew (shardfeed index)`, {
    path: file,
  });
}

/**
 * The text index that NVIDIA DALI's `tfrecord2idx` writes: a line `offset size` per record, both in bytes with framing.
 * @throws SHARDFEED_UNSUPPORTED for a compressed part, whose records cannot be reached by offsets
 */
export function* tfrecord2idx(index: RecordIndex): Generator<string> {
  if (index.compression !== 'none') {
    throw new ShardfeedError(
      'SHARDFEED_UNSUPPORTED',
      `tfrecord2idx wants plain files, this one is ${index.compression}`,
    );
  }
  let offset = 0;
  let lines = '';
  for (const length of index.lengths) {
    lines += `${offset} ${length + FRAME_BYTES}\n`;
    offset += length + FRAME_BYTES;
    if (lines.length < 65536) continue;
    yield lines;
    lines = '';
  }
  if (lines !== '') yield lines;
}
