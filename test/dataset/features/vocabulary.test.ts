import fc from 'fast-check';
import { expect, test } from 'vitest';
import { farmHash64 } from '../../../src/dataset/features/farmhash.js';
import { applied, statisticsOf } from './columns.js';

const utf8 = new TextEncoder();
const bytes = { kind: 'bytes', shape: [] } as const;
const int64 = { kind: 'int64', shape: [] } as const;
const spec = { op: 'vocabulary', column: 'x', values: ['S', 'C', 'Q'] } as const;

test('values get their places in the list, behind the unknown', () => {
  expect(applied(spec, bytes, ['C', 'S', 'Q', 'X', '', null])).toEqual([2, 1, 3, 0, 0, 0]);
  expect(applied({ ...spec, outOfVocabulary: 0 }, bytes, ['C', 'S', 'X', null])).toEqual([1, 0, -1, -1]);
});

test('several unknown buckets: bytes by hash, int64 by modulo', () => {
  const unknown = Array.from({ length: 50 }, (_, i) => `unknown ${i}`);
  const expected = unknown.map((text) => Number(farmHash64(utf8.encode(text)) % 7n));
  expect(applied({ ...spec, outOfVocabulary: 7 }, bytes, ['S', ...unknown])).toEqual([7, ...expected]);
  const numbers = { op: 'vocabulary', column: 'x', values: [5, '-9223372036854775808'], outOfVocabulary: 4 } as const;
  expect(applied(numbers, int64, [5, -(2n ** 63n), 6, -1, -4, 2n ** 63n - 1n, 0])).toEqual([4, 5, 2, 3, 0, 3, 0]);
});

test('a null can have a class of its own', () => {
  expect(applied({ ...spec, missing: 4 }, bytes, ['Q', null])).toEqual([3, 4]);
  const lists = { kind: 'bytes', shape: 'ragged' } as const;
  expect(applied({ ...spec, missing: 4 }, lists, [['Q', 'X'], null, []])).toEqual([[3, 0], [], []]);
  expect(applied(spec, { kind: 'bytes', shape: [2] }, [['S', 'C'], null])).toEqual([
    [1, 2],
    [0, 0],
  ]);
});

test('a list that is not given is the most frequent values of the statistics', () => {
  const top = [
    { value: 'S', count: 9 },
    { value: 'a long value of which only the beginning is kept', count: 8, bytes: 900 },
    { value: { base64: '//4=' }, count: 7 },
    { value: 'Q', count: 1 },
  ];
  const given = { op: 'vocabulary', column: 'x', top: 2 } as const;
  const values = ['S', Uint8Array.of(255, 254), 'Q'];
  expect(applied(given, bytes, values, statisticsOf('bytes', { top }))).toEqual([1, 2, 0]);
  expect(applied({ op: 'vocabulary', column: 'x' }, bytes, values, statisticsOf('bytes', { top }))).toEqual([1, 2, 3]);
  expect(() => applied(given, bytes, [])).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE', column: 'x' }));
  expect(() => applied({ ...given, values: ['S'] }, bytes, [])).toThrow('values or top');
});

test('what is no value of the column, and what comes twice, is refused', () => {
  expect(() => applied({ ...spec, values: ['S', 'C', 'S'] }, bytes, [])).toThrow('"S" is listed twice');
  expect(() => applied({ ...spec, values: ['S'] }, int64, [])).toThrow('"S" is no int64');
  expect(() => applied({ ...spec, values: ['9223372036854775808'] }, int64, [])).toThrow('is no int64');
  expect(() => applied({ ...spec, values: [1] }, bytes, [])).toThrow('1 is no bytes');
  expect(() => applied(spec, { kind: 'float', shape: [] }, [])).toThrow('is float, vocabulary wants bytes or int64');
});

test('it finds what a Map finds, for any list', () => {
  const word = fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', '', '日') });
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 60 }), fc.array(word), (values, given) => {
      const places = new Map(values.map((value, i) => [value, i + 1]));
      expect(applied({ ...spec, values }, bytes, given)).toEqual(given.map((value) => places.get(value) ?? 0));
    }),
    { seed: 4 },
  );
});
