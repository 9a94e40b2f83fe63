import { ShardfeedError } from '../errors.js';
import type { ByteSource, DirectSource, Gap } from './byte-source.js';
import { CrcPrefixes } from './crc-prefix.js';
import { maskCrc } from './crc32c.js';
import { FRAME_BYTES, HEADER_BYTES, readHeader, Walk, type WalkStatus } from './framing.js';
import { Kernel } from './kernel/kernel.js';
import { type Loss, LossLedger, type LossReason } from './losses.js';
import { ReaderMemory } from './reader-memory.js';
import type { ReadBlocksOptions, RecordBlock, RecordOffsets } from './record-block.js';
import { type Examined, endError, gapError, reasonOf, recordError, type Where } from './record-faults.js';
import { PIECE_BYTES, RecordInput } from './record-input.js';
import type { StreamWindow } from './stream-window.js';

const DEFAULT_MAX_RECORD = 256 << 20;

/**
 * Reads TFRecords from bytes in chunks of any size and yields blocks of verified records, in order. Where a file ends in a
 * loss, a last empty block says with `firstRecord` how far the ordinals went.
 * @throws SHARDFEED_CORRUPT_RECORD, TRUNCATED, TOO_LARGE, CORRUPT_STREAM (policy `'error'`), BUDGET, ABORTED
 */
export async function* readBlocks(
  source: ByteSource | AsyncIterable<Uint8Array> | DirectSource,
  options: ReadBlocksOptions = {},
): AsyncGenerator<RecordBlock> {
  const reader = new RecordReader(source, options);
  try {
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) yield block;
  } finally {
    await reader.close();
  }
}

/** Bytes that are being lost, from `offset` to where the next record is found. */
interface OpenLoss {
  readonly offset: number;
  reason: LossReason;
}

class RecordReader {
  readonly #input: RecordInput;
  readonly #kernel: Kernel;
  readonly #window: StreamWindow;
  readonly #prefixes: CrcPrefixes;
  readonly #ledger: LossLedger;
  readonly #options: ReadBlocksOptions;
  readonly #maxLength: number;
  readonly #checkCrc: boolean;
  readonly #capacity: number;
  readonly #out: number;
  readonly #state: number;
  #loss: OpenLoss | undefined;
  /** Ordinal of the record at the window's start. */
  #record = 0;
  /** Offsets are those of the file: no gap of unknown size came before. */
  #exact = true;
  /** The end of the block that was handed out last: its bytes go when the next one is asked for. */
  #handedOut = 0;
  #lossAtEnd = false;

  constructor(source: ByteSource | AsyncIterable<Uint8Array> | DirectSource, options: ReadBlocksOptions) {
    const { maxRecordBytes = DEFAULT_MAX_RECORD, blockRecords } = options;
    const { memory = new ReaderMemory(new Kernel(), blockRecords) } = options;
    if (!(maxRecordBytes >= 0 && maxRecordBytes <= 2 ** 30)) {
      throw new ShardfeedError('SHARDFEED_USAGE', `maxRecordBytes is ${maxRecordBytes}, 0 to 2^30 is wanted`);
    }
    this.#options = options;
    this.#maxLength = maxRecordBytes;
    this.#checkCrc = options.checkCrc ?? true;
    const { policy = 'error' } = options;
    this.#ledger = policy instanceof LossLedger ? policy : new LossLedger(policy, options.onLoss);
    const { kernel } = memory;
    this.#kernel = kernel;
    this.#out = memory.places;
    this.#capacity = memory.blockRecords;
    this.#state = memory.state;
    this.#window = memory.window;
    this.#window.jump(0);
    this.#input = new RecordInput(source, this.#window, options, (gap) => this.#noteHarmless(gap));
    this.#prefixes = new CrcPrefixes(
      (from, to, seed) => kernel.exports.crc32c!(this.#window.addressOf(from), to - from, seed) >>> 0,
    );
  }

  /** The next block, or undefined at the end. */
  async next(): Promise<RecordBlock | undefined> {
    this.#consume(this.#handedOut);
    for (;;) {
      const { start, size } = this.#window;
      if (size === 0) {
        if (await this.#input.fill()) continue;
        const { gap } = this.#input;
        if (gap === undefined) return this.#finish();
        await this.#crossGap(gap);
        continue;
      }
      const [block, stop] = start < this.#prefixes.covered ? await this.#stepBlock() : this.#walkBlock();
      if (block !== undefined) return this.#handOut(block);
      const short = stop.status === Walk.SHORT_HEADER || stop.status === Walk.SHORT_PAYLOAD;
      if (stop.status === Walk.OK || (short && (await this.#input.fill()))) continue;
      const saved = await this.#recover(stop);
      if (saved !== undefined) return this.#handOut(saved);
    }
  }

  close(): Promise<void> {
    return this.#input.close();
  }

  #handOut(block: RecordBlock): RecordBlock {
    this.#handedOut = block.firstOffset + block.bytes.length;
    this.#record += block.count;
    this.#lossAtEnd = false;
    return block;
  }

  #consume(to: number): void {
    if (to <= this.#window.start) return;
    this.#prefixes.forget(to);
    this.#window.consume(to);
  }

  /** The fast path: as many good records as the window holds. */
  #walkBlock(): [block: RecordBlock | undefined, stop: Examined] {
    const window = this.#window;
    const { start, end } = window;
    const from = window.addressOf(start);
    const to = window.addressOf(end);
    const { exports, view } = this.#kernel;
    const out = this.#out;
    const capacity = this.#capacity;
    const check = this.#checkCrc ? 1 : 0;
    const count = exports.walkRecords!(from, to, to, from, out, capacity, this.#maxLength, check, this.#state);
    const position = start + view.getUint32(this.#state + 4, true) - from;
    const status = view.getUint32(this.#state, true) as WalkStatus;
    if (count > 0) return [this.#block(position, count), { status, offset: position, length: 0 }];
    const length = end - position < HEADER_BYTES ? 0 : this.#lengthAt(position);
    return [undefined, { status, offset: position, length }];
  }

  /** A block of the records up to `end`, whose places the kernel has written to #out. */
  #block(end: number, count: number): RecordBlock {
    const { buffer } = this.#kernel.memory;
    const out = this.#out;
    const stride = 4 * this.#capacity;
    const { start } = this.#window;
    return {
      bytes: this.#window.bytes(start, end),
      count,
      offsets: new Uint32Array(buffer, out, count),
      lengths: new Uint32Array(buffer, out + stride, count),
      ...(this.#checkCrc ? { crcs: new Uint32Array(buffer, out + 2 * stride, count) } : {}),
      firstRecord: this.#record,
      firstOffset: start,
    };
  }

  /** The careful path, through bytes that were looked at while searching: no payload is walked a second time. */
  async #stepBlock(): Promise<[block: RecordBlock | undefined, stop: Examined]> {
    const { start } = this.#window;
    const records: Examined[] = [];
    let at = await this.#examine(start);
    while (at.status === Walk.OK) {
      records.push(at);
      const next = at.offset + FRAME_BYTES + at.length;
      const full = records.length === this.#capacity || next - start >= PIECE_BYTES;
      if (full || next >= this.#prefixes.covered || next === this.#window.end) break;
      at = await this.#examine(next);
    }
    return [records.length > 0 ? this.#blockOf(records) : undefined, at];
  }

  #blockOf(records: readonly Examined[]): RecordBlock {
    const { start } = this.#window;
    const { view } = this.#kernel;
    let end = start;
    records.forEach(({ offset, length, crc }, i) => {
      const at = this.#out + 4 * i;
      view.setUint32(at, offset + HEADER_BYTES - start, true);
      view.setUint32(at + 4 * this.#capacity, length, true);
      view.setUint32(at + 8 * this.#capacity, crc!, true);
      end = offset + FRAME_BYTES + length;
    });
    return this.#block(end, records.length);
  }

  /** Says what stands at an offset, reading on as far as its header declares. */
  async #examine(offset: number): Promise<Examined> {
    if (!(await this.#input.have(offset + HEADER_BYTES))) return { status: Walk.SHORT_HEADER, offset, length: 0 };
    const { length, good } = readHeader(this.#window.bytes(offset, offset + HEADER_BYTES), 0);
    if (!good) return { status: Walk.BAD_HEADER, offset, length };
    if (length > this.#maxLength) return { status: Walk.TOO_LARGE, offset, length };
    if (!(await this.#input.have(offset + FRAME_BYTES + length))) return { status: Walk.SHORT_PAYLOAD, offset, length };
    return this.#checkPayload(offset, length);
  }

  /** What a payload's CRC says of a record that is all there. */
  #checkPayload(offset: number, length: number): Examined {
    const payload = offset + HEADER_BYTES;
    const crc = this.#prefixes.range(payload, payload + length);
    const stored = this.#kernel.view.getUint32(this.#window.addressOf(payload + length), true);
    return { status: maskCrc(crc) === stored ? Walk.OK : Walk.BAD_PAYLOAD, offset, length, crc };
  }

  /** Whether a good header stands at an offset, or the bytes end there; `cut`: or inside a header. */
  async #headerOrEnd(offset: number, cut: boolean): Promise<boolean> {
    if (!(await this.#input.have(offset + HEADER_BYTES))) return cut || this.#window.end === offset;
    return readHeader(this.#window.bytes(offset, offset + HEADER_BYTES), 0).good;
  }

  #lengthAt(offset: number): number {
    return readHeader(this.#window.bytes(offset, offset + HEADER_BYTES), 0).length;
  }

  /** The record that a stored length leads to, though its CRC may be bad, where the payload's CRC is good. */
  async #savedBy(offset: number, length: number): Promise<Examined | undefined> {
    if (length > this.#maxLength || !(await this.#input.have(offset + FRAME_BYTES + length))) return undefined;
    const record = this.#checkPayload(offset, length);
    return record.status === Walk.OK ? record : undefined;
  }

  /**
   * Deals with what is wrong at the window's start. Returns a block where only a header was bad; else leaves the window
   * at the next record, or empty.
   */
  async #recover(bad: Examined): Promise<RecordBlock | undefined> {
    const { offset, length, status } = bad;
    if (this.#ledger.strict) {
      const { gap } = this.#input;
      const short = status === Walk.SHORT_HEADER || status === Walk.SHORT_PAYLOAD;
      const where = this.#where(offset);
      throw gap !== undefined && short
        ? gapError(gap, where)
        : recordError(bad, where, this.#maxLength, this.#window.end);
    }
    const behind = offset + FRAME_BYTES + length;
    const saved = status === Walk.BAD_HEADER ? await this.#savedBy(offset, length) : undefined;
    if (saved !== undefined) {
      this.#report({ reason: 'header-checksum', offset, end: offset + HEADER_BYTES, count: 0, atLeast: false });
      return this.#blockOf([saved]);
    }
    this.#loss = { offset, reason: reasonOf(status) };
    if (status === Walk.BAD_PAYLOAD) {
      // Puts the payload on record as seen, so that what is inside it goes the careful path.
      this.#prefixes.range(offset + HEADER_BYTES, behind);
      if (
        (await this.#headerOrEnd(behind, false)) ||
        (await this.#savedBy(behind, this.#lengthAt(behind))) !== undefined
      ) {
        await this.#lose(behind);
        this.#closeLoss(1, false);
        return undefined;
      }
    }
    const { index } = this.#options;
    if (index !== undefined && this.#exact && index.offsetOf(this.#record) === offset) {
      await this.#skipTo(index.offsetOf(this.#record + 1), 1);
    } else {
      await this.#search(offset + 1);
    }
    return undefined;
  }

  /** Gives the bytes up to an offset that an index names up; `count` records begin in them. */
  async #skipTo(offset: number, count: number): Promise<void> {
    while (this.#window.end < offset) {
      await this.#lose(this.#window.end);
      if (!(await this.#input.fill())) return;
    }
    await this.#lose(offset);
    this.#closeLoss(count, false);
  }

  /**
   * Looks for the next record from an offset on, and accepts only one whose header and payload are good and which
   * another good header or the end follows. Where there is none, the window is empty afterwards and the loss stays open.
   */
  async #search(from: number): Promise<void> {
    let at = from;
    for (;;) {
      const window = this.#window;
      const end = window.addressOf(window.end);
      const found =
        at >= window.end ? end : this.#kernel.exports.findHeader!(window.addressOf(at), end, this.#maxLength);
      if (found === end) {
        at = Math.max(at, window.end - HEADER_BYTES + 1);
        await this.#lose(Math.min(at, window.end));
        if (await this.#input.fill()) continue;
        await this.#lose(window.end);
        return;
      }
      at = window.start + found - window.addressOf(window.start);
      if (at - window.start > PIECE_BYTES) await this.#lose(at);
      const candidate = await this.#examine(at);
      if (candidate.status === Walk.OK && (await this.#headerOrEnd(at + FRAME_BYTES + candidate.length, true))) {
        await this.#lose(at);
        this.#closeLoss(1, true);
        return;
      }
      at++;
    }
  }

  /** Hands lost bytes to the quarantine and gives them up. */
  async #lose(to: number): Promise<void> {
    const { start } = this.#window;
    if (to <= start) return;
    await this.#ledger.quarantine(this.#window.bytes(start, to), start);
    this.#consume(to);
  }

  #closeLoss(count: number, atLeast: boolean): void {
    const loss = this.#loss!;
    this.#loss = undefined;
    this.#report({ reason: loss.reason, offset: loss.offset, end: this.#window.start, count, atLeast });
    this.#lossAtEnd = true;
    this.#record += count;
  }

  #report(loss: Omit<Loss, 'path' | 'record'>): void {
    const { path } = this.#options;
    this.#ledger.report({ path, ...loss, record: this.#record });
  }

  #noteHarmless(gap: Gap): void {
    const offset = this.#window.end;
    if (this.#ledger.strict) throw gapError(gap, this.#where(offset));
    this.#report({ reason: 'damaged-stream', offset, end: offset, count: 0, atLeast: false });
  }

  /** The window is empty and a gap follows. */
  async #crossGap(gap: Gap): Promise<void> {
    const window = this.#window;
    if (this.#ledger.strict) throw gapError(gap, this.#where(window.start));
    this.#input.passGap();
    this.#loss ??= { offset: window.start, reason: 'damaged-stream' };
    this.#loss.reason = 'damaged-stream';
    this.#prefixes.forget(Number.POSITIVE_INFINITY);
    if (gap.lostBytes === undefined) this.#exact = false;
    window.jump(window.start + (gap.lostBytes ?? 0));
    const { index } = this.#options;
    if (index !== undefined && this.#exact) {
      const record = firstRecordFrom(index, window.start);
      await this.#skipTo(index.offsetOf(record), record - this.#record);
    } else if (gap.atRecord) {
      this.#closeLoss(1, true);
    } else {
      await this.#search(window.start);
    }
  }

  /** The file has ended. */
  #finish(): RecordBlock | undefined {
    const { index } = this.#options;
    const missing = index === undefined ? 0 : index.count - this.#record;
    if (missing > 0 && this.#loss === undefined) {
      if (this.#ledger.strict) throw endError(index!.count, this.#where(this.#window.start));
      this.#loss = { offset: this.#window.start, reason: 'truncated' };
    }
    if (this.#loss !== undefined) {
      if (missing > 0) this.#window.jump(Math.max(this.#window.start, index!.offsetOf(index!.count)));
      this.#closeLoss(Math.max(1, missing), index === undefined);
    }
    if (!this.#lossAtEnd) return undefined;
    return this.#handOut(this.#block(this.#window.start, 0));
  }

  #where(offset: number): Where {
    return { path: this.#options.path, record: this.#record, offset };
  }
}

/** The first record that begins at or behind an offset. */
function firstRecordFrom(index: RecordOffsets, offset: number): number {
  let low = 0;
  let high = index.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (index.offsetOf(middle) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
