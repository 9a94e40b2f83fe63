import { type LengthsPiece, PartDigest } from '../../dataset/index.js';
import type { CompressWriter, Member, MemberWriter } from '../../files/index.js';
import { framedBytes } from './records-run.js';

/** What is known of a part file once it is closed. */
export interface PartSummary {
  readonly name: string;
  /** Bytes of the stored file. */
  readonly bytes: number;
  readonly records: number;
  /** See `PartDigest`. */
  readonly digest: string;
}

/** A part file that was just closed, with what an index wants to know and nobody keeps. */
export interface ClosedPart extends PartSummary {
  /** Payload lengths in order. */
  readonly lengths: readonly LengthsPiece[];
  /** Where gzip members begin; empty for other files. */
  readonly members: readonly Member[];
}

/** Where a part's bytes go: a stream, or gzip members of at least `memberBytes` uncompressed bytes each. */
export type PartTarget =
  | { readonly writer: CompressWriter; readonly memberBytes?: undefined }
  | { readonly writer: MemberWriter; readonly memberBytes: number };

/** Writes one part file from runs of whole framed records; counts and digests them. */
export class PartWriter {
  readonly #name: string;
  readonly #target: PartTarget;
  readonly #digest = new PartDigest();
  readonly #lengths: LengthsPiece[] = [];
  readonly #onClosed: (part: ClosedPart) => Promise<void>;
  /** Uncompressed bytes in the open gzip member. */
  #memberBytes = 0;

  constructor(name: string, target: PartTarget, onClosed: (part: ClosedPart) => Promise<void> = async () => {}) {
    this.#name = name;
    this.#target = target;
    this.#onClosed = onClosed;
  }

  async append(bytes: Uint8Array, meta: Uint32Array): Promise<void> {
    this.#digest.update(meta);
    this.#lengths.push(lengthsOf(meta));
    if (this.#target.memberBytes === undefined) await this.#target.writer.write(bytes);
    else await this.#cut(this.#target.writer, this.#target.memberBytes, bytes, meta);
  }

  /** Gives the file up. */
  abort(): Promise<void> {
    return this.#target.writer.abort();
  }

  async close(): Promise<PartSummary> {
    const { writer, memberBytes } = this.#target;
    await writer.close();
    const { records } = this.#digest;
    const summary = { name: this.#name, bytes: writer.storedBytes, records, digest: this.#digest.digest() };
    await this.#onClosed({
      ...summary,
      lengths: this.#lengths,
      members: memberBytes === undefined ? [] : writer.members,
    });
    return summary;
  }

  /** Members end with the record that fills them: where, depends on the records alone. */
  async #cut(writer: MemberWriter, memberBytes: number, bytes: Uint8Array, meta: Uint32Array): Promise<void> {
    let from = 0;
    let at = 0;
    for (let i = 0; i < meta.length / 2; i++) {
      at += framedBytes(meta, i, i + 1);
      if (this.#memberBytes + at - from < memberBytes) continue;
      await writer.write(bytes.subarray(from, at));
      await writer.cutMember();
      this.#memberBytes = 0;
      from = at;
    }
    await writer.write(bytes.subarray(from));
    this.#memberBytes += bytes.length - from;
  }
}

/** The lengths among (length, CRC) pairs, as narrow as they allow: there are as many as records. */
function lengthsOf(meta: Uint32Array): LengthsPiece {
  const count = meta.length / 2;
  let most = 0;
  for (let i = 0; i < count; i++) if (meta[2 * i]! > most) most = meta[2 * i]!;
  const lengths = most < 256 ? new Uint8Array(count) : most < 65536 ? new Uint16Array(count) : new Uint32Array(count);
  for (let i = 0; i < count; i++) lengths[i] = meta[2 * i]!;
  return lengths;
}
