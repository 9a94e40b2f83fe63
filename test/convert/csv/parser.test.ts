import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CsvOptions } from '../../../src/convert/csv/options.js';
import { makeCsvPlan } from '../../../src/convert/csv/plan.js';
import type { Feature, Schema } from '../../../src/records/schema.js';
import { bytesOf, parseAll, parseAllPlainly } from './tables.js';

const kind = fc.constantFrom('int64' as const, 'float' as const, 'bytes' as const);
const feature = fc.record({
  kind,
  shape: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.constant('ragged' as const) },
    { weight: 1, arbitrary: fc.constantFrom([1], [2], [3, 2]) },
  ),
  withDefault: fc.boolean(),
});

function schemaOf(features: { kind: Feature['kind']; shape: Feature['shape']; withDefault: boolean }[]): Schema {
  const defaults = { int64: -7, float: 0.1, bytes: 'dé' } as const;
  return {
    features: features.map(({ kind, shape, withDefault }, i) => ({
      name: `f${i}`,
      kind,
      shape,
      nullable: true,
      ...(withDefault ? { default: defaults[kind] } : {}),
    })),
  };
}

/** Cells that mean something, and pieces from which cells are made that mean nothing. */
const cell = fc.oneof(
  fc.integer({ min: -1200, max: 1200 }).map(String),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.double().map(String),
  fc.tuple(fc.integer(), fc.integer({ min: -3, max: 3 })).map(([m, e]) => `${m}e${e}`),
  fc.constantFrom(
    '',
    '""',
    ' 5 ',
    '3.0',
    '1e3',
    'true',
    'FALSE',
    '"7"',
    'nan',
    '-inf',
    'NA',
    '\\N',
    '1|2',
    '"a|b|"',
    '.',
    '-',
  ),
  fc.string({ maxLength: 40 }).map((text) => `"${text.replaceAll('"', '""')}"`),
  fc.stringMatching(/^[a-z é]{0,20}$/),
  fc.array(fc.integer({ min: -9, max: 99 }), { maxLength: 7 }).map((list) => list.join('|')),
  fc.constantFrom('a"b', '"a"b', '"', '"a""', '\r', 'x\r'),
);
const row = fc.array(cell, { minLength: 0, maxLength: 7 });
const options = fc.record({
  nulls: fc.constantFrom(undefined, [''], ['', 'NA', '\\N'], ['NA'], [], ['-7', '0', '1|2']),
  quotedNulls: fc.boolean(),
  maxRowBytes: fc.constantFrom(undefined, undefined, undefined, 12, 40),
  quote: fc.constantFrom(undefined, undefined, undefined, null, "'"),
  delimiter: fc.constantFrom(',', ',', ',', ';', '\t'),
});

function table(rows: string[][], delimiter: string, ends: string[], terminated: boolean): string {
  const text = rows.map((r, i) => r.join(delimiter) + ends[i % ends.length]).join('');
  return terminated ? text : text.slice(0, -1);
}

describe('kernel and twin agree', () => {
  test('on random tables, dialects and schemas: rows, and bad rows with all their details', () => {
    fc.assert(
      fc.property(
        fc.array(feature, { minLength: 1, maxLength: 6 }),
        fc.array(row, { maxLength: 30 }),
        options,
        fc.array(fc.constantFrom('\n', '\r\n'), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        (features, rows, given, ends, terminated, maxRows) => {
          const schema = schemaOf(features);
          const csv = Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined)) as CsvOptions;
          const names = [...schema.features.map((f) => f.name).reverse(), 'dropped'].slice(
            0,
            Math.max(1, features.length),
          );
          const plan = makeCsvPlan(schema, names, { ...csv, separator: '|' });
          const even = rows.map((r) =>
            r.length % 3 === 0 ? r : Array.from({ length: names.length }, (_, i) => r[i % r.length]!),
          );
          const text = bytesOf(table(even, given.delimiter, ends, terminated));
          expect(parseAll(text, plan, maxRows)).toStrictEqual(parseAllPlainly(text, plan));
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('on any bytes', () => {
    const schema = schemaOf([
      { kind: 'bytes', shape: [], withDefault: false },
      { kind: 'float', shape: [], withDefault: false },
    ]);
    const plan = makeCsvPlan(schema, ['f0', 'f1']);
    const some = fc.constantFrom(...[...'",,\n\r1.'].map((c) => c.charCodeAt(0)), 0xff, 0, 0xc3);
    fc.assert(
      fc.property(fc.array(some, { maxLength: 300 }), (list) => {
        const text = Uint8Array.from(list);
        expect(parseAll(text, plan)).toStrictEqual(parseAllPlainly(text, plan));
      }),
      { numRuns: 2000 },
    );
  });
});
