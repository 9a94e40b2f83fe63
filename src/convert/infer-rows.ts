import { ShardfeedError } from '../errors.js';
import { guessValues, type Row } from '../records/row-values.js';
import type { Feature, FeatureKind, Schema } from '../records/schema.js';

/** Rows that are looked at before the schema is fixed; what comes later must fit. */
const ROWS_TO_INFER = 10_000;

interface Guess {
  kind: FeatureKind | undefined;
  /** Values in a row: one number, or several counts. */
  readonly counts: Set<number>;
  isList: boolean;
  present: number;
}

/**
 * Infers a schema from the first rows and gives all rows back. Integers, bigints and booleans are int64; a column with
 * any other number is float; strings and bytes are bytes. Lists of one length become a shape, of several ragged.
 * @throws SHARDFEED_SCHEMA_MISMATCH where a column mixes text and numbers
 */
export async function inferFromRows(
  rows: AsyncIterable<Row>,
  limit: number = ROWS_TO_INFER,
): Promise<{ schema: Schema; rows: AsyncIterable<Row> }> {
  const iterator = rows[Symbol.asyncIterator]();
  const seen: Row[] = [];
  const guesses = new Map<string, Guess>();
  while (seen.length < limit) {
    const { value, done } = await iterator.next();
    if (done) break;
    note(guesses, value, seen.length);
    seen.push(value);
  }
  const features = [...guesses].flatMap(([name, guess]) => featureOf(name, guess, seen.length));
  if (features.length === 0) {
    throw new ShardfeedError(
      'SHARDFEED_SCHEMA_INVALID',
      'the input has no rows with values to infer a schema from: give a spec',
    );
  }
  async function* all(): AsyncGenerator<Row> {
    try {
      yield* seen.splice(0);
      for (let item = await iterator.next(); !item.done; item = await iterator.next()) yield item.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { schema: { features }, rows: all() };
}

function note(guesses: Map<string, Guess>, row: Row, ordinal: number): void {
  for (const [name, value] of Object.entries(row ?? {})) {
    const values = guessValues(name, value);
    let guess = guesses.get(name);
    if (guess === undefined) {
      guess = { kind: undefined, counts: new Set(), isList: false, present: 0 };
      guesses.set(name, guess);
    }
    if (values === undefined) continue;
    guess.present++;
    guess.isList ||= typeof value === 'object' && !(value instanceof Uint8Array);
    guess.counts.add(values.values.length);
    if (values.values.length > 0) guess.kind = widest(guess.kind, values.kind, name, ordinal);
  }
}

function widest(a: FeatureKind | undefined, b: FeatureKind, name: string, ordinal: number): FeatureKind {
  if (a === undefined || a === b) return b;
  if (a !== 'bytes' && b !== 'bytes') return 'float';
  throw new ShardfeedError(
    'SHARDFEED_SCHEMA_MISMATCH',
    `row ${ordinal}: ${JSON.stringify(name)} is ${b}, it was ${a} in the rows before: give a spec`,
    {
      record: ordinal,
      column: name,
    },
  );
}

/** A column without any value has no kind and is left out. */
function featureOf(name: string, { kind, counts, isList, present }: Guess, rows: number): Feature[] {
  if (kind === undefined) return [];
  const [width] = counts;
  const shape = !isList ? [] : counts.size === 1 && width! > 0 ? [width!] : ('ragged' as const);
  return [{ name, kind, shape, ...(present < rows ? { nullable: true } : {}) }];
}
