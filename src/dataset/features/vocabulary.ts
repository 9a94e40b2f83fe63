import type { BytesColumn } from '../../records/batch.js';
import { fromJsonValue, type JsonValue } from '../../records/json-value.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import { rowsToBatch } from '../../records/rows-to-batch.js';
import type { Feature } from '../../records/schema.js';
import { classesOf, countOf, expectKind, fillNulls, inRowsOf, type KnownColumn, type Step, usage } from './columns.js';
import { floatsAt, type Items, inScratch, putItems, putValues } from './kernel-columns.js';
import type { Vocabulary } from './specs.js';

/** Classes 0 to `outOfVocabulary` - 1 are of unknown values; those of the list follow, in its order. */
export function vocabulary(spec: Vocabulary, input: KnownColumn, kernel: Kernel): Step {
  expectKind('vocabulary', input, ['bytes', 'int64']);
  const { column, as = column, outOfVocabulary = 1 } = spec;
  const { missing = outOfVocabulary > 0 ? 0 : -1 } = spec;
  const values = valuesOf(spec, input);
  const find = tableOf(kernel, toItems(input.feature, values), outOfVocabulary);
  return {
    spec: { op: 'vocabulary', column, as, values, outOfVocabulary, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(outOfVocabulary + values.length, missing),
    run: ([from], rows) =>
      inScratch(kernel, () => {
        const count = countOf(from!, rows);
        const classes = find(putValues(kernel, column, from!, count), count, from!.layout !== 'bytes');
        fillNulls(classes, from!, rows, missing);
        return inRowsOf(from!, classes);
      }),
  };
}

function valuesOf({ column, values, top }: Vocabulary, { statistics }: KnownColumn): readonly JsonValue[] {
  if (values !== undefined && top !== undefined) throw usage('vocabulary', column, 'wants values or top, not both');
  if (values !== undefined) return values;
  // Of a very long value the statistics keep only the beginning.
  const known = statistics?.top.filter(({ bytes }) => bytes === undefined).slice(0, top) ?? [];
  if (known.length > 0) return known.map(({ value }) => value);
  throw usage('vocabulary', column, 'no values are given, and no statistics of the column tell any');
}

/** The values of a list as they lie in a column: bytes, or the 8 bytes of an int64. */
function toItems({ name, kind }: Feature, values: readonly JsonValue[]): Uint8Array[] {
  const seen = new Set<string>();
  return values.map((json) => {
    const value = fromJsonValue(kind, json);
    const item = kind === 'bytes' ? toBytes(value) : toInt64(value);
    if (item === undefined) throw usage('vocabulary', name, `${JSON.stringify(json)} is no ${kind}`);
    const key = item.join();
    if (seen.has(key)) throw usage('vocabulary', name, `${JSON.stringify(json)} is listed twice`);
    seen.add(key);
    return item;
  });
}

function toBytes(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  return value instanceof Uint8Array ? value : undefined;
}

function toInt64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return undefined;
  const exact = BigInt(value as bigint | number);
  return BigInt.asIntN(64, exact) === exact ? new Uint8Array(BigInt64Array.of(exact).buffer) : undefined;
}

type Find = (items: Items, count: number, int64: boolean) => Float64Array;

/** Puts the list into the kernel's memory, for good, and returns what finds the classes of items. */
function tableOf(kernel: Kernel, list: readonly Uint8Array[], outOfVocabulary: number): Find {
  const words = rowsToBatch(
    list.map((word) => ({ word })),
    { features: [{ name: 'word', kind: 'bytes', shape: [] }] },
  ).columns.word as BytesColumn;
  const held = putItems(kernel, 'word', words, list.length);
  const slots = 2 ** Math.ceil(Math.log2(2 * list.length));
  const table = kernel.alloc(8 * slots);
  kernel.u8.fill(0, table, table + 8 * slots);
  kernel.exports.vocabularyFill!(held.hashes, list.length, table, slots - 1);
  return ({ data, offsets, hashes }, count, int64) => {
    const known = [table, slots - 1, held.data, held.offsets] as const;
    kernel.exports.vocabularyFind!(data, offsets, count, hashes, ...known, outOfVocabulary, int64 ? 1 : 0);
    return floatsAt(kernel, hashes, count);
  };
}
