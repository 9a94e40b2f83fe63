import { crc32c } from '../../src/records/crc32c.js';

/** Frames payloads the plain way, as TFRecord readers expect them, with the (length, CRC) pairs beside them. */
export function framed(payloads: readonly Uint8Array[]): { bytes: Uint8Array; meta: Uint32Array } {
  const bytes = new Uint8Array(payloads.reduce((n, p) => n + p.length + 16, 0));
  const view = new DataView(bytes.buffer);
  const meta = new Uint32Array(2 * payloads.length);
  let at = 0;
  payloads.forEach((payload, i) => {
    view.setUint32(at, payload.length, true);
    view.setUint32(at + 8, mask(crc32c(bytes.subarray(at, at + 8))), true);
    bytes.set(payload, at + 12);
    const crc = crc32c(payload);
    view.setUint32(at + 12 + payload.length, mask(crc), true);
    meta[2 * i] = payload.length;
    meta[2 * i + 1] = crc;
    at += payload.length + 16;
  });
  return { bytes, meta };
}

function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The payloads of framed bytes, unchecked. */
export function unframed(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 16 + view.getUint32(at, true)) {
    payloads.push(bytes.slice(at + 12, at + 12 + view.getUint32(at, true)));
  }
  return payloads;
}

/** Payloads that tell their number, of lengths that differ. */
export function numbered(count: number, pad = 7): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new TextEncoder().encode(`${i}${'.'.repeat((i * 31) % (pad + 1))}`));
}
export function numberOf(payload: Uint8Array): number {
  return Number.parseInt(new TextDecoder().decode(payload), 10);
}
