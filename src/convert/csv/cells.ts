// What the text of a cell means, in plain TypeScript: the twin of assembly/csv-number.ts and csv-cells.ts.
import type { FeatureKind } from '../../records/schema.js';
import { BAD, type BadCode } from './kernel-state.js';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Cuts spaces and tabs around numbers. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * The whole number that trimmed text stands for: digits, also as 3.0 or 1e3 where that is exact, and true and false.
 * @returns a bad code where there is none (INT) or it is beyond int64 (INT_RANGE)
 */
export function parseInt64(text: string): bigint | BadCode {
  if (!DECIMAL.test(text)) {
    const word = text.toLowerCase();
    return word === 'true' ? 1n : word === 'false' ? 0n : BAD.INT;
  }
  const [, sign, whole = '', decimals = '', exponent = '0'] = /^([+-]?)(\d*)\.?(\d*)(?:[eE](.*))?$/.exec(text)!;
  const digits = (whole + decimals).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return 0n;
  const zeros = digits.length - significant.length - decimals.length + Number(exponent);
  if (zeros < 0) return BAD.INT;
  if (significant.length + zeros > 19) return BAD.INT_RANGE;
  const value = BigInt(significant) * 10n ** BigInt(zeros) * (sign === '-' ? -1n : 1n);
  return value < INT64_MIN || value > INT64_MAX ? BAD.INT_RANGE : value;
}

/** The correctly rounded double, also nan, inf and infinity in any case; undefined where the text is no number. */
export function parseDouble(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  const word = /^([+-]?)(nan|inf|infinity)$/i.exec(text);
  if (word === null) return undefined;
  if (word[2]!.toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** One number of this kind, blanks around it allowed. */
export function parseNumber(
  kind: Exclude<FeatureKind, 'bytes'>,
  text: string,
): { readonly value: number | bigint } | { readonly bad: BadCode } {
  const trimmed = trimBlanks(text);
  if (kind === 'int64') {
    const value = parseInt64(trimmed);
    return typeof value === 'bigint' ? { value } : { bad: value };
  }
  const value = parseDouble(trimmed);
  return value === undefined ? { bad: BAD.FLOAT } : { value: Math.fround(value) };
}
