import type { FileWriter } from '../file-system.js';
import { alignGzipMember, gzipMemberAsync } from '../gzip-member.js';
import type { MemberWriter } from './compress-writer.js';
import type { Member } from './members.js';

const UNDERWAY = 4;

/** See `gzipMemberWriter`. */
export class GzipMemberWriter implements MemberWriter {
  storedBytes = 0;
  readonly #writer: FileWriter;
  readonly #level: number;
  readonly #members: Member[] = [];
  readonly #underway: { offset: number; compressed: Promise<Uint8Array> }[] = [];
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #offset = 0;

  constructor(writer: FileWriter, level: number) {
    this.#writer = writer;
    this.#level = level;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#pending.push(new Uint8Array(bytes)); // `slice` of a Buffer copies nothing
    this.#pendingBytes += bytes.length;
  }

  async cutMember(): Promise<void> {
    if (this.#pendingBytes > 0) await this.#compress();
  }

  async close(): Promise<void> {
    // TensorFlow stops at an empty member, so only a file without content has one.
    if (this.#pendingBytes > 0 || this.storedBytes + this.#underway.length === 0) await this.#compress();
    while (this.#underway.length > 0) await this.#writeOldest();
    await this.#writer.close();
  }

  async abort(): Promise<void> {
    this.#pending = [];
    await Promise.allSettled(this.#underway.map(({ compressed }) => compressed));
    this.#underway.length = 0;
    await this.#writer.abort();
  }

  async #compress(): Promise<void> {
    const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    const compressed = gzipMemberAsync(bytes, this.#level);
    compressed.catch(() => undefined); // A failure is met where the member is written.
    this.#underway.push({ offset: this.#offset, compressed });
    this.#offset += bytes.length;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.#underway.length >= UNDERWAY) await this.#writeOldest();
  }

  async #writeOldest(): Promise<void> {
    const { offset, compressed } = this.#underway.shift()!;
    const member = alignGzipMember(await compressed, this.storedBytes);
    this.#members.push({ stored: this.storedBytes, offset });
    await this.#writer.write(member);
    this.storedBytes += member.length;
  }
}
