import type { FeatureKind, Scalar } from './schema.js';

/** A value as JSON holds it without loss; see {@link toJsonValue}. */
export type JsonValue = number | string | { readonly base64: string };

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const SPECIAL = ['NaN', 'Infinity', '-Infinity'];

/**
 * One value in JSON: int64 as a number, beyond 2^53 as a string; float as the number with the fewest digits that gives
 * the float32 back, NaN and infinities as strings; bytes as a string, or `{ base64 }` where they are not UTF-8.
 */
export function toJsonValue(kind: FeatureKind, value: Scalar): JsonValue {
  if (value instanceof Uint8Array) {
    try {
      return strictUtf8.decode(value);
    } catch {
      return { base64: toBase64(value) };
    }
  }
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (kind === 'float' && typeof value === 'number') {
    return Number.isFinite(value) ? shortestFloat32(value) : String(value);
  }
  return value;
}

/** The inverse of {@link toJsonValue}; what is no value of this kind comes back as it is, for a validator to refuse. */
export function fromJsonValue(kind: FeatureKind, json: unknown): unknown {
  if (kind === 'int64' && typeof json === 'string' && /^-?\d{1,19}$/.test(json)) {
    const value = BigInt(json);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (kind === 'float' && typeof json === 'string' && SPECIAL.includes(json)) return Number(json);
  if (kind === 'bytes' && isBase64(json)) {
    try {
      return Uint8Array.from(atob(json.base64), (c) => c.charCodeAt(0));
    } catch {
      return json;
    }
  }
  return json;
}

/** The number that prints with the fewest digits among those that round to the same float32. */
export function shortestFloat32(value: number): number {
  const float = Math.fround(value);
  if (!Number.isFinite(float) || (Number.isInteger(float) && Math.abs(float) <= 2 ** 24)) return float;
  // Up to six digits a decimal survives float32 unharmed, unless it is subnormal.
  for (let digits = Math.abs(float) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return Number(float.toPrecision(9));
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 4096) binary += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(binary);
}

function isBase64(json: unknown): json is { base64: string } {
  return typeof json === 'object' && json !== null && 'base64' in json && typeof json.base64 === 'string';
}
