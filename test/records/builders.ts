import { crc32c, maskCrc } from '../../src/records/crc32c.js';

/** Joins pieces of bytes. */
export function concat(...pieces: (Uint8Array | readonly number[])[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A base 128 varint of the low 64 bits; `width` pads it with needless continuation bytes. */
export function varint(value: number | bigint, width = 1): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n));
    rest >>= 7n;
  } while (rest > 0n || bytes.length < width);
  return Uint8Array.from(bytes, (b, i) => (i < bytes.length - 1 ? b | 128 : b));
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const tag = (field: number, wireType: number): Uint8Array => varint(field * 8 + wireType);

/** A length-delimited field. */
export function field(number: number, ...content: (Uint8Array | readonly number[])[]): Uint8Array {
  const bytes = concat(...content);
  return concat(tag(number, 2), varint(bytes.length), bytes);
}

export function float32(...values: number[]): Uint8Array {
  return new Uint8Array(new Float32Array(values).buffer);
}

/** Features: messages with one list each, packed as TensorFlow writes them. */
export const bytesFeature = (...values: (string | Uint8Array)[]): Uint8Array =>
  field(1, ...values.map((v) => field(1, typeof v === 'string' ? utf8(v) : v)));
export const floatFeature = (...values: number[]): Uint8Array =>
  field(2, values.length > 0 ? field(1, float32(...values)) : []);
export const int64Feature = (...values: (number | bigint)[]): Uint8Array =>
  field(3, values.length > 0 ? field(1, ...values.map((v) => varint(v))) : []);

/** An entry of the features map. */
export const entry = (key: string, feature: Uint8Array): Uint8Array => field(1, field(1, utf8(key)), field(2, feature));

/** An Example of map entries. */
export const example = (...entries: Uint8Array[]): Uint8Array => field(1, ...entries);

/** A framed record; the parts can be made wrong. */
export function frame(
  payload: Uint8Array,
  wrong: { length?: number; headerCrc?: number; payloadCrc?: number } = {},
): Uint8Array {
  const bytes = new Uint8Array(16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(wrong.length ?? payload.length), true);
  view.setUint32(8, wrong.headerCrc ?? maskCrc(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(payload, 12);
  view.setUint32(12 + payload.length, wrong.payloadCrc ?? maskCrc(crc32c(payload)), true);
  return bytes;
}

/** A good header alone. */
export const header = (length: number): Uint8Array => frame(new Uint8Array(0), { length }).subarray(0, 12);

/** A stream of the bytes cut in chunks of the given size. */
export async function* chunked(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}
