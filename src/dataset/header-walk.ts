import { ShardfeedError } from '../errors.js';
import { crc32c, FRAME_BYTES, HEADER_BYTES, maskCrc, unmaskCrc } from '../records/index.js';

const FOOTER_BYTES = 4;

/**
 * Walks over the framing of a TFRecord file, whose bytes come in pieces, and looks at nothing else: lengths, which are
 * verified by their CRC, and the payloads' CRCs, which are taken as they stand there. Pieces that hold only payload need
 * not be given at all.
 */
export class HeaderWalk {
  /** (length, unmasked CRC) of each record, as digests and indexes want them. */
  #meta = new Uint32Array(2048);
  #records = 0;
  readonly #piece = new Uint8Array(HEADER_BYTES);
  readonly #lengthBytes = this.#piece.subarray(0, 8);
  readonly #view = new DataView(this.#piece.buffer);
  #have = 0;
  /** The next header or footer, of which `#have` bytes are there. */
  #inFooter = false;
  #at = 0;
  #length = 0;
  readonly #path: string;

  /** `path` names the file in errors. */
  constructor(path: string) {
    this.#path = path;
  }

  get records(): number {
    return this.#records;
  }
  get meta(): Uint32Array {
    return this.#meta.subarray(0, 2 * this.#records);
  }
  /** Offset of the next byte that matters. */
  get next(): number {
    return this.#at + this.#have;
  }
  /** Length of the record whose footer is next, or which came last. */
  get length(): number {
    return this.#length;
  }
  /** Whether what was given so far ends exactly behind a record. */
  get whole(): boolean {
    return !this.#inFooter && this.#have === 0;
  }

  /** Takes the bytes from `offset` on, which must not lie behind `next`. @throws SHARDFEED_CORRUPT_RECORD */
  push(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    for (;;) {
      const size = this.#inFooter ? FOOTER_BYTES : HEADER_BYTES;
      let from = this.#at + this.#have - offset;
      while (this.#have < size && from < bytes.length) this.#piece[this.#have++] = bytes[from++]!;
      if (this.#have < size) return;
      this.#have = 0;
      this.#at += size;
      if (this.#inFooter) this.#footer();
      else this.#header();
      if (this.#at >= end) return;
    }
  }

  /** @throws SHARDFEED_TRUNCATED unless the file ends exactly behind a record */
  end(bytes: number): void {
    if (this.whole && this.#at === bytes) return;
    const where = { path: this.#path, offset: this.#inFooter ? this.#at - this.#length - HEADER_BYTES : this.#at };
    throw new ShardfeedError(
      'SHARDFEED_TRUNCATED',
      `${this.#path} ends inside record ${this.#records}, which begins at byte ${where.offset}`,
      { ...where, record: this.#records },
    );
  }

  #header(): void {
    const view = this.#view;
    const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
    const good = maskCrc(crc32c(this.#lengthBytes)) === view.getUint32(8, true);
    if (!good || length > 0xffffffff - FRAME_BYTES) {
      const offset = this.#at - HEADER_BYTES;
      throw new ShardfeedError(
        'SHARDFEED_CORRUPT_RECORD',
        `${this.#path}: the checksum of the header of record ${this.#records} at byte ${offset} does not match${
          offset === 0 ? ' (is this a TFRecord file?)' : ''
        }`,
        { path: this.#path, offset, record: this.#records },
      );
    }
    this.#length = length;
    this.#at += length;
    this.#inFooter = true;
  }

  #footer(): void {
    const i = 2 * this.#records++;
    if (i === this.#meta.length) {
      const grown = new Uint32Array(2 * i);
      grown.set(this.#meta);
      this.#meta = grown;
    }
    this.#meta[i] = this.#length;
    this.#meta[i + 1] = unmaskCrc(this.#view.getUint32(0, true));
    this.#inFooter = false;
  }
}
