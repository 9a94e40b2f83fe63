import type { FixedColumn } from '../../records/batch.js';
import { fromJsonValue, type JsonValue } from '../../records/json-value.js';
import type { Kernel } from '../../records/kernel/kernel.js';
import type { Feature } from '../../records/schema.js';
import { classesOf } from './classes.js';
import { countOf, expectKind, fillNulls, inRowsOf, type KnownColumn, type Step, usage } from './columns.js';
import { floatsAt, inScratch, int64Items, putInt64s, putItems } from './hash-kernel.js';
import type { Vocabulary } from './specs.js';

/** Classes 0 to `outOfVocabulary` - 1 are of unknown values; those of the list follow, in its order. */
export function vocabulary(spec: Vocabulary, input: KnownColumn, kernel: Kernel): Step {
  expectKind('vocabulary', input, ['bytes', 'int64']);
  const { column, as = column, outOfVocabulary = 1 } = spec;
  const { missing = outOfVocabulary > 0 ? 0 : -1 } = spec;
  const values = valuesOf(spec, input);
  const find = tableOf(kernel, column, toItems(input.feature, values));
  return {
    spec: { op: 'vocabulary', column, as, values, outOfVocabulary, missing },
    output: { name: as, kind: 'int64', shape: input.feature.shape },
    classes: classesOf(outOfVocabulary + values.length, missing),
    run: ([from], rows) =>
      inScratch(kernel, () => {
        const count = countOf(from!, rows);
        const { exports } = kernel;
        const ints = from!.layout === 'bytes' ? 0 : putInt64s(kernel, (from as FixedColumn).values, count);
        const items =
          from!.layout === 'bytes' ? putItems(kernel, column, from, count) : int64Items(kernel, column, ints, count);
        const found = kernel.alloc(8 * count);
        find(items, count, found);
        if (outOfVocabulary > 1 && ints === 0) {
          exports.hashesToBuckets!(items.hashes, count, outOfVocabulary, items.hashes);
        } else if (outOfVocabulary > 1) exports.int64Modulo!(ints, count, outOfVocabulary, items.hashes);
        const unknown = new Float64Array(kernel.memory.buffer, items.hashes, count);
        const classes = floatsAt(kernel, found, count);
        for (let i = 0; i < count; i++) {
          if (classes[i]! >= 0) classes[i]! += outOfVocabulary;
          else if (outOfVocabulary > 0) classes[i] = outOfVocabulary === 1 ? 0 : unknown[i]!;
        }
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

type Find = (items: ReturnType<typeof putItems>, count: number, out: number) => void;

/** Puts the list into the kernel's memory, for good, and returns what finds the places of items. */
function tableOf(kernel: Kernel, column: string, list: readonly Uint8Array[]): Find {
  const offsets = new Int32Array(list.length + 1);
  list.forEach((item, i) => {
    offsets[i + 1] = offsets[i]! + item.length;
  });
  const data = new Uint8Array(offsets[list.length]!);
  list.forEach((item, i) => {
    data.set(item, offsets[i]!);
  });
  const words = putItems(kernel, column, { layout: 'bytes', data, offsets, shape: [] }, list.length);
  const slots = 2 ** Math.ceil(Math.log2(2 * list.length));
  const table = kernel.alloc(8 * slots);
  kernel.u8.fill(0, table, table + 8 * slots);
  kernel.exports.vocabularyFill!(words.hashes, list.length, table, slots - 1);
  return (items, count, out) => {
    const { data, offsets, hashes } = items;
    kernel.exports.vocabularyFind!(data, offsets, count, hashes, table, slots - 1, words.data, words.offsets, out);
  };
}
