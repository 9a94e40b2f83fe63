import { crc32c, maskCrc } from './crc32c.js';
import { FRAME_BYTES, HEADER_BYTES } from './framing.js';

/** Frames payloads as TFRecords, one behind the other, in one new buffer. */
export function frameRecords(payloads: Iterable<Uint8Array>): Uint8Array {
  const list = [...payloads];
  const bytes = new Uint8Array(list.reduce((sum, payload) => sum + payload.length + FRAME_BYTES, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const payload of list) at = putRecord(bytes, view, at, payload);
  return bytes;
}

/**
 * Frames a stream of payloads (or of arrays of payloads, which costs less for small ones) into chunks of about
 * `chunkBytes` (default 1 MiB). A chunk ends behind a record and belongs to the receiver; payloads may be borrowed.
 */
export async function* frameChunks(
  payloads: AsyncIterable<Uint8Array | readonly Uint8Array[]> | Iterable<Uint8Array | readonly Uint8Array[]>,
  options: { chunkBytes?: number } = {},
): AsyncGenerator<Uint8Array> {
  const { chunkBytes = 1 << 20 } = options;
  let chunk = new Uint8Array(chunkBytes);
  let view = new DataView(chunk.buffer);
  let used = 0;
  for await (const item of payloads) {
    for (const payload of item instanceof Uint8Array ? [item] : item) {
      const size = payload.length + FRAME_BYTES;
      if (used > 0 && used + size > chunk.length) {
        yield chunk.subarray(0, used);
        used = 0;
        chunk = new Uint8Array(Math.max(chunkBytes, size));
        view = new DataView(chunk.buffer);
      } else if (size > chunk.length) {
        chunk = new Uint8Array(size);
        view = new DataView(chunk.buffer);
      }
      used = putRecord(chunk, view, used, payload);
    }
  }
  if (used > 0) yield chunk.subarray(0, used);
}

function putRecord(bytes: Uint8Array, view: DataView, at: number, payload: Uint8Array): number {
  const { length } = payload;
  view.setUint32(at, length, true);
  view.setUint32(at + 4, Math.floor(length / 4294967296), true);
  view.setUint32(at + 8, maskCrc(crc32c(bytes.subarray(at, at + 8))), true);
  bytes.set(payload, at + HEADER_BYTES);
  view.setUint32(at + HEADER_BYTES + length, maskCrc(crc32c(payload)), true);
  return at + FRAME_BYTES + length;
}
