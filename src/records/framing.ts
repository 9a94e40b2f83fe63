import { crc32c, maskCrc } from './crc32c.js';

/** Bytes of a record before its payload: u64 length, u32 masked CRC of the length. */
export const HEADER_BYTES = 12;
/** What framing adds to a payload: the header and a u32 masked CRC behind. */
export const FRAME_BYTES = 16;

/** Why {@link walkRecords} ended; as in assembly/framing.ts. */
export const Walk = {
  /** As many records as were asked for, or the end exactly behind a record. */
  OK: 0,
  SHORT_HEADER: 1,
  SHORT_PAYLOAD: 2,
  BAD_HEADER: 3,
  BAD_PAYLOAD: 4,
  TOO_LARGE: 5,
} as const;
export type WalkStatus = (typeof Walk)[keyof typeof Walk];

export interface WalkResult {
  /** Payload positions in the bytes, lengths, and unmasked CRCs (only where payloads are checked). */
  readonly offsets: number[];
  readonly lengths: number[];
  readonly crcs: number[];
  readonly status: WalkStatus;
  /** Position of the record that `status` speaks of, or of the next record. */
  readonly position: number;
}

/** A header's length and whether its CRC is good; `bytes` holds at least 12 from `at`. */
export function readHeader(bytes: Uint8Array, at: number): { length: number; good: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_BYTES);
  const length = view.getUint32(4, true) * 4294967296 + view.getUint32(0, true);
  return { length, good: maskCrc(crc32c(bytes.subarray(at, at + 8))) === view.getUint32(8, true) };
}

/** The plain twin of the kernel's `walkRecords`: walks and verifies whole records from `start`. */
export function walkRecords(
  bytes: Uint8Array,
  start: number,
  options: { capacity: number; maxLength: number; checkPayload?: boolean },
): WalkResult {
  const { capacity, maxLength, checkPayload = true } = options;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsets: number[] = [];
  const lengths: number[] = [];
  const crcs: number[] = [];
  let position = start;
  const end = (status: WalkStatus): WalkResult => ({ offsets, lengths, crcs, status, position });
  while (offsets.length < capacity && position < bytes.length) {
    const left = bytes.length - position;
    if (left < HEADER_BYTES) return end(Walk.SHORT_HEADER);
    const { length, good } = readHeader(bytes, position);
    if (!good) return end(Walk.BAD_HEADER);
    if (length > maxLength) return end(Walk.TOO_LARGE);
    if (length + FRAME_BYTES > left) return end(Walk.SHORT_PAYLOAD);
    const payload = position + HEADER_BYTES;
    if (checkPayload) {
      const crc = crc32c(bytes.subarray(payload, payload + length));
      if (maskCrc(crc) !== view.getUint32(payload + length, true)) return end(Walk.BAD_PAYLOAD);
      crcs.push(crc);
    }
    offsets.push(payload);
    lengths.push(length);
    position = payload + length + 4;
  }
  return end(Walk.OK);
}

/** The plain twin of the kernel's `findHeader`: where the first plausible header at or after `start` stands, else -1. */
export function findHeader(bytes: Uint8Array, start: number, maxLength: number): number {
  for (let at = start; at + HEADER_BYTES <= bytes.length; at++) {
    const { length, good } = readHeader(bytes, at);
    if (good && length <= maxLength) return at;
  }
  return -1;
}
