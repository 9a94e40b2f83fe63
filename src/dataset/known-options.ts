import { ShardfeedError } from '../errors.js';

/** What an option may be. */
export interface OptionKind {
  /** As a message says it: 'a whole number from 0'. */
  readonly wanted: string;
  is(value: unknown): boolean;
}

/** The options of something, all of them, as the type says, and what each may be; true: that is looked at elsewhere. */
export type OptionKinds<T> = Readonly<Record<keyof T, OptionKind | true>>;

export const Kinds = {
  flag: { wanted: 'true or false', is: (value) => typeof value === 'boolean' },
  /** In bytes, Infinity for no bound. */
  bytes: { wanted: 'a number of bytes from 0', is: (value) => typeof value === 'number' && value >= 0 },
  count: { wanted: 'a whole number from 0', is: (value) => Number.isSafeInteger(value) && (value as number) >= 0 },
  positive: { wanted: 'a whole number from 1', is: (value) => Number.isSafeInteger(value) && (value as number) > 0 },
  number: { wanted: 'a number', is: (value) => Number.isFinite(value) },
  text: { wanted: 'text', is: (value) => typeof value === 'string' && value !== '' },
  names: {
    wanted: 'a list of names',
    is: (value) => Array.isArray(value) && value.every((v) => typeof v === 'string'),
  },
  callback: { wanted: 'a function', is: (value) => typeof value === 'function' },
  signal: { wanted: 'an AbortSignal', is: (value) => value instanceof AbortSignal },
} as const satisfies Record<string, OptionKind>;

/** One of some words. */
export function oneOf(...words: readonly string[]): OptionKind {
  const wanted = words.map((word) => `'${word}'`).join(' or ');
  return { wanted, is: (value) => words.includes(value as string) };
}

/**
 * A misspelt option would be taken for one that was left out, and its default for what was asked; one of a wrong kind for anything.
 * Options that are undefined are as left out.
 * @throws SHARDFEED_USAGE for options that are no object, for a name that is none of theirs, with the nearest one, and for a
 * value of another kind
 */
export function checkOptions(of: string, options: object, kinds: Readonly<Record<string, OptionKind | true>>): void {
  if (typeof options !== 'object' || options === null) {
    throw new ShardfeedError('SHARDFEED_USAGE', `${of} takes an object of options, not ${String(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name]! : undefined;
    if (kind === undefined) {
      const known = Object.keys(kinds);
      const near = nearest(name, known);
      const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`;
      throw new ShardfeedError('SHARDFEED_USAGE', `${of} has no option ${JSON.stringify(name)}: ${hint}`);
    }
    if (value === undefined || kind === true || kind.is(value)) continue;
    throw new ShardfeedError('SHARDFEED_USAGE', `${of}: ${name} is ${showValue(value)}, ${kind.wanted} is wanted`);
  }
}

/** A value of the caller's, for a message. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** The option that is the fewest edits away, at most a third of its length; else one that contains the name. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase().replace(/[_-]/g, '');
  const close = known
    .map((option) => ({ option, edits: editsBetween(lower, option.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  if (close !== undefined && close.edits <= Math.ceil(close.option.length / 3)) return close.option;
  return known.find((option) => lower.length > 3 && option.toLowerCase().includes(lower));
}

/** Levenshtein's distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
