import { ShardfeedError } from '../errors.js';

/** The names of options, all of them, as the type says; for {@link refuseUnknown}. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * A misspelt option would be taken for one that was left out, and its default for what was asked.
 * @throws SHARDFEED_USAGE for options that are no object, and for a name that is none of theirs, with the nearest one
 */
export function refuseUnknown(of: string, options: object, names: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null) {
    throw new ShardfeedError('SHARDFEED_USAGE', `${of} takes an object of options, not ${String(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const near = nearest(name, known);
    const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`;
    throw new ShardfeedError('SHARDFEED_USAGE', `${of} has no option ${JSON.stringify(name)}: ${hint}`);
  }
}

/** The option that is the fewest edits away, at most a third of its length; else one that contains the name. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
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
