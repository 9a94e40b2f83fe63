import { InvalidArgumentError } from 'commander';
import { put } from '../own-properties.js';

/** A whole number from `least` on, as an option's argument. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(
      `a whole number${least === Number.MIN_SAFE_INTEGER ? '' : ` from ${least}`} is wanted.`,
    );
  };
}

const UNITS: Record<string, number> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** Bytes: `1000`, `64MB` (powers of 1000), `64MiB` (powers of 1024). */
export function byteSize(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([kmgt]?i?)b?$/i.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit.toLowerCase()];
  const bytes = Math.round(Number(digits) * (factor ?? Number.NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('a size such as 1000, 64MB or 64MiB is wanted.');
}

/** Collects `name=value`, several by commas or by repeating the option. */
export function pairs(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const all = { ...before };
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at < 1) throw new InvalidArgumentError('name=value is wanted.');
    put(all, pair.slice(0, at), pair.slice(at + 1));
  }
  return all;
}

/** Collects names, several by commas or by repeating the option. */
export function names(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').filter((name) => name !== '')];
}

/** Collects the arguments of a repeated option as they are. */
export function texts(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
