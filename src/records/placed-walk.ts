import { ShardfeedError } from '../errors.js';
import { crc32c, maskCrc } from './crc32c.js';
import { FRAME_BYTES, HEADER_BYTES, readHeader, Walk, type WalkStatus } from './framing.js';
import type { Kernel } from './kernel/kernel.js';

/** Records that one call of the kernel walks. */
const AT_ONCE = 4096;
const DEFAULT_MAX_RECORD = 256 << 20;

export interface WalkOptions {
  /** Verify payload CRCs too, default true. Header CRCs are always verified. */
  checkCrc?: boolean;
  /** Records above this are corrupt. Default 256 MiB, at most 1 GiB. */
  maxRecordBytes?: number;
}

/** Why a walk ended, behind how many records, and the address of the record that `status` speaks of, or of the next. */
export interface PlacedEnd {
  readonly status: WalkStatus;
  readonly count: number;
  readonly address: number;
}

/** Verifies framed records that lie in a kernel's memory, and says where they are. */
export class PlacedWalk {
  readonly maxRecordBytes: number;
  readonly #kernel: Kernel;
  readonly #check: 0 | 1;
  readonly #out: number;
  readonly #state: number;

  constructor(kernel: Kernel, { checkCrc = true, maxRecordBytes = DEFAULT_MAX_RECORD }: WalkOptions = {}) {
    if (!(maxRecordBytes >= 0 && maxRecordBytes <= 2 ** 30)) {
      throw new ShardfeedError('SHARDFEED_USAGE', `maxRecordBytes is ${maxRecordBytes}, 0 to 2^30 is wanted`);
    }
    this.maxRecordBytes = maxRecordBytes;
    this.#kernel = kernel;
    this.#check = checkCrc ? 1 : 0;
    this.#out = kernel.alloc(AT_ONCE * 12);
    this.#state = kernel.alloc(8);
  }

  /** Walks the records in [from, to), at most `most`; payload addresses and lengths, u32, go where `places` says. */
  walk(
    from: number,
    to: number,
    most: number,
    places: { readonly addresses: number; readonly lengths: number },
  ): PlacedEnd {
    const { exports, view, u8 } = this.#kernel;
    const { addresses, lengths } = places;
    let address = from;
    let count = 0;
    let status: WalkStatus = Walk.OK;
    while (status === Walk.OK && count < most && address < to) {
      const room = Math.min(AT_ONCE, most - count);
      const limit = this.maxRecordBytes;
      const n = exports.walkRecords!(address, to, to, 0, this.#out, room, limit, this.#check, this.#state);
      u8.copyWithin(addresses + 4 * count, this.#out, this.#out + 4 * n);
      u8.copyWithin(lengths + 4 * count, this.#out + 4 * room, this.#out + 4 * (room + n));
      status = view.getUint32(this.#state, true) as WalkStatus;
      address = view.getUint32(this.#state + 4, true);
      count += n;
    }
    return { status, count, address };
  }

  /** The length that the header at an address declares; 0 where the bytes end before. */
  lengthAt(address: number, end: number): number {
    return end - address < HEADER_BYTES ? 0 : readHeader(this.#kernel.u8, address).length;
  }

  /** Whether a payload of `length` bytes stands behind the header at an address and its CRC is good. */
  payloadIsGood(address: number, length: number, end: number): boolean {
    if (length > this.maxRecordBytes || address + FRAME_BYTES + length > end) return false;
    const { u8, view } = this.#kernel;
    const payload = address + HEADER_BYTES;
    return maskCrc(crc32c(u8.subarray(payload, payload + length))) === view.getUint32(payload + length, true);
  }
}
