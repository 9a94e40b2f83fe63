import { ShardfeedError, throwIfAborted } from '../errors.js';
import {
  type CallOptions,
  type Codec,
  decompress,
  detectFormat,
  displayPath,
  type FileReader,
  HEAD_BYTES,
  type Location,
  type Member,
} from '../files/index.js';
import { FRAME_BYTES, HEADER_BYTES, isGap } from '../records/index.js';
import { openReader } from './direct-file.js';
import { HeaderWalk } from './header-walk.js';
import { PartDigest } from './part-digest.js';
import { readWhole } from './read-whole.js';
import type { IndexInput } from './record-index.js';

/** Payloads of this size are passed over by reading elsewhere; smaller ones are read through. */
const PASS_OVER = 1 << 20;
/** Read at once where the driver reads into memory that is there: it stays in a core's cache. */
const DIRECT_BYTES = 256 << 10;

/** What the framing of a part file says: all that an index and a fingerprint want. */
export interface PartScan extends IndexInput {
  readonly lengths: Uint32Array;
  readonly records: number;
  readonly members: readonly Member[];
}

/**
 * Finds all records of a part file by their headers. Of a plain file with large records only the framing is read; other
 * files are read once, from start to end. Payloads are not verified: the digest is that of the CRCs stored behind them.
 * @throws SHARDFEED_CORRUPT_RECORD, SHARDFEED_TRUNCATED, SHARDFEED_CORRUPT_STREAM; SHARDFEED_UNSUPPORTED for text
 */
export async function scanPart(
  part: Location & { readonly bytes: number },
  options: CallOptions = {},
): Promise<PartScan> {
  const { path, bytes } = part;
  const call = { signal: options.signal };
  // A small file is read at one go.
  const first = await readWhole(part, { ...call, end: bytes <= DIRECT_BYTES ? DIRECT_BYTES : HEAD_BYTES });
  const whole = first.length === bytes ? first : undefined;
  const head = first.subarray(0, HEAD_BYTES);
  const { codec: compression, content } = detectFormat(head, path);
  if (head.length >= HEADER_BYTES && (content === 'csv' || isText(head))) throw noRecords(displayPath(part));
  const walk = new HeaderWalk(displayPath(part));
  const members = compression === 'none' ? [] : await walkStream(part, compression, whole, walk, call);
  if (compression === 'none') await walkPlain(part, whole, walk, call);
  const { meta, records } = walk;
  const digest = new PartDigest();
  digest.update(meta);
  const lengths = Uint32Array.from({ length: records }, (_, i) => meta[2 * i]!);
  return { records, lengths, bytes, digest: digest.digest(), compression, members };
}

/** The upper half of a record's length is zeros, which text has none of. */
function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

function noRecords(path: string): ShardfeedError {
  const what = `${path} is text, not TFRecords: \`shardfeed convert\` makes a dataset of tables`;
  return new ShardfeedError('SHARDFEED_UNSUPPORTED', what, { path });
}

type Sized = Location & { readonly bytes: number };

async function walkPlain(
  part: Sized,
  whole: Uint8Array | undefined,
  walk: HeaderWalk,
  call: CallOptions,
): Promise<void> {
  const reader = whole === undefined ? await openReader(part, call) : undefined;
  if (whole !== undefined) walk.push(whole, 0);
  else if (reader === undefined) await walkRanges(part, walk, call);
  else {
    try {
      await walkDirect(reader, part, walk, call);
    } finally {
      await reader.close();
    }
  }
  walk.end(part.bytes);
}

/** Reads into one piece of memory, each time from the next byte that matters. */
async function walkDirect(reader: FileReader, { path }: Sized, walk: HeaderWalk, call: CallOptions): Promise<void> {
  const buffer = new Uint8Array(DIRECT_BYTES);
  for (;;) {
    throwIfAborted(call.signal, path);
    const start = walk.next;
    // Behind a large record: its footer, and the next header.
    const count = await reader.read(walk.length >= PASS_OVER ? buffer.subarray(0, FRAME_BYTES) : buffer, start);
    if (count === 0) return;
    walk.push(buffer.subarray(0, count), start);
  }
}

async function walkRanges({ fs, path, bytes }: Sized, walk: HeaderWalk, call: CallOptions): Promise<void> {
  while (walk.next < bytes) {
    throwIfAborted(call.signal, path);
    const start = walk.next;
    if (walk.length >= PASS_OVER) {
      // The footer of the large record, and the next header.
      walk.push(await readWhole({ fs, path }, { ...call, start, end: start + FRAME_BYTES }), start);
    }
    if (walk.length < PASS_OVER) {
      let offset = walk.next;
      for await (const chunk of fs.read(path, { ...call, start: offset })) {
        walk.push(chunk, offset);
        offset += chunk.length;
        if (walk.next - offset >= PASS_OVER) break;
      }
    }
    if (walk.next === start) return;
  }
}

/** Walks the uncompressed bytes. Gives the gzip members, where there are several and each begins with a record. */
async function walkStream(
  part: Location,
  codec: Codec,
  whole: Uint8Array | undefined,
  walk: HeaderWalk,
  call: CallOptions,
): Promise<Member[]> {
  const { fs, path } = part;
  const stored = whole === undefined ? fs.read(path, call) : once(whole);
  const members: Member[] = [];
  let aligned = true;
  let offset = 0;
  const onMember = (stored: number): void => {
    members.push({ stored, offset });
    aligned &&= walk.whole && walk.next === offset;
  };
  for await (const chunk of decompress(stored, codec, { ...call, path, onMember })) {
    if (isGap(chunk)) throw new ShardfeedError('SHARDFEED_CORRUPT_STREAM', chunk.reason, { path: displayPath(part) });
    walk.push(chunk, offset);
    offset += chunk.length;
  }
  walk.end(offset);
  return aligned && members.length > 1 ? members : [];
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
