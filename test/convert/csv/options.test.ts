import { describe, expect, test } from 'vitest';
import { badRowError } from '../../../src/convert/csv/bad-row.js';
import { type CsvOptions, checkCsvOptions } from '../../../src/convert/csv/options.js';
import { makeCsvPlan } from '../../../src/convert/csv/plan.js';
import type { Feature, Schema } from '../../../src/records/schema.js';
import { bytesOf, type Outcome, parseAll, parseAllPlainly } from './tables.js';

const feature = (name: string, kind: Feature['kind'], more: Partial<Feature> = {}): Feature => {
  return { name, kind, shape: [], nullable: true, ...more };
};

/** Rows as readable values, checked to be the twin's as well. */
function parse(
  text: string | Uint8Array,
  features: Feature[],
  options: CsvOptions = {},
  names = features.map((f) => f.name),
): Outcome {
  const schema: Schema = { features };
  const plan = makeCsvPlan(schema, names, options);
  const bytes = typeof text === 'string' ? bytesOf(text) : text;
  const outcome = parseAll(bytes, plan, 3);
  expect(outcome).toEqual(parseAllPlainly(bytes, plan));
  return outcome;
}
const readable = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return value.map(readable);
  return typeof value === 'bigint' ? Number(value) : value;
};
const rows = (...args: Parameters<typeof parse>): unknown => {
  const { rows, bad } = parse(...args);
  expect(bad).toEqual([]);
  return readable(rows);
};

const A = feature('a', 'int64');
const B = feature('b', 'float');
const C = feature('c', 'bytes');

describe('missing cells', () => {
  test('are unquoted empty ones; "" is the empty string', () => {
    expect(rows(',,\n1,2.5,""\n,,\n', [A, B, C])).toEqual([
      [null, null, null],
      [1, 2.5, ''],
      [null, null, null],
    ]);
  });

  test('of number columns may have blanks around', () => {
    expect(rows('  ,\t, \n', [A, B, C])).toEqual([[null, null, ' ']]);
  });

  test('take the default of their feature', () => {
    const features = [
      feature('a', 'int64', { default: -1 }),
      feature('b', 'float', { default: 0.5 }),
      feature('c', 'bytes', { default: 'é' }),
    ];
    expect(rows(',,\n1,2,x\n,,\n', features)).toEqual([
      [-1, 0.5, 'é'],
      [1, 2, 'x'],
      [-1, 0.5, 'é'],
    ]);
  });

  test('nulls: other tokens, also such as look like numbers; in quotes they are text', () => {
    const nulls = ['', 'NA', '\\N', '-999', 'a token of more than thirty-one bytes'];
    const text = 'NA,-999,\\N\n -999 ,5,"NA"\n1,NA,a token of more than thirty-one bytes\n,,\n';
    expect(rows(text, [A, B, C], { nulls })).toEqual([
      [null, null, null],
      [null, 5, 'NA'],
      [1, null, null],
      [null, null, null],
    ]);
  });

  test('nulls without the empty token: an empty cell is the empty string, and no number', () => {
    expect(rows('1,\n', [A, C], { nulls: ['NA'] })).toEqual([[1, '']]);
    expect(parse(',x\n', [A, C], { nulls: [] }).bad).toMatchObject([{ column: 'a', value: '' }]);
  });

  test('quotedNulls: tokens count in quotes too', () => {
    expect(rows('"","NA",""\n', [A, B, C], { nulls: ['', 'NA'], quotedNulls: true })).toEqual([[null, null, null]]);
    expect(parse('"",1,\n', [A, B, C]).bad).toMatchObject([{ column: 'a', value: '' }]);
  });
});

describe('separator: lists in one cell', () => {
  const ragged = feature('r', 'int64', { shape: 'ragged' });
  test('ragged, with blanks around numbers; a quoted empty cell is the empty list', () => {
    expect(rows('1|2|3\n 4 | 5\n""\n7\n', [ragged], { separator: '|' })).toEqual([[[1, 2, 3]], [[4, 5]], [[]], [[7]]]);
    expect(
      rows(
        'x;y,"a ""b"";;"\n,z\n',
        [feature('r', 'bytes', { shape: 'ragged' }), feature('s', 'bytes', { shape: 'ragged' })],
        { separator: ';' },
      ),
    ).toEqual([
      [
        ['x', 'y'],
        ['a "b"', '', ''],
      ],
      [null, ['z']],
    ]);
  });

  test('of a fixed shape, with its default', () => {
    const matrix = feature('m', 'float', { shape: [2, 2], default: 9 });
    expect(rows('1 2 3 4\n\n', [matrix], { separator: ' ' })).toEqual([[[1, 2, 3, 4]], [[9, 9, 9, 9]]]);
    expect(parse('1 2 3\n', [matrix], { separator: ' ' }).bad).toMatchObject([
      { column: 'm', value: '1 2 3', expected: 'expected 4 values with " " between them' },
    ]);
  });

  test('by feature, of several characters', () => {
    const other = feature('o', 'bytes', { shape: [2] });
    expect(rows('1|2,a --b\n', [ragged, other], { separator: { r: '|', o: ' --' } })).toEqual([
      [
        [1, 2],
        ['a', 'b'],
      ],
    ]);
  });

  test('a value that is wrong shows the whole cell', () => {
    expect(parse('1|x|3\n', [ragged], { separator: '|' }).bad).toMatchObject([
      {
        column: 'r',
        value: '1|x|3',
        expected: 'expected a whole number, true or false (values with "|" between them)',
      },
    ]);
  });

  test('is wanted where a shape holds several values', () => {
    expect(() => makeCsvPlan({ features: [ragged] }, ['r'])).toThrow('feature "r" has shape ragged: give a separator');
    expect(rows('5\n', [feature('one', 'int64', { shape: [1] })])).toEqual([[[5]]]);
  });
});

describe('columns', () => {
  test('are matched by name, in any order; those that the schema does not know are left out', () => {
    expect(rows('x,skipped,1\n', [A, C], {}, ['c', 'other', 'a'])).toEqual([[1, 'x']]);
  });

  test('may have any name', () => {
    const features = ['constructor', '__proto__', 'toString'].map((name) => feature(name, 'int64'));
    expect(rows('1,2,3\n', features)).toEqual([[1, 2, 3]]);
  });

  test('rename and drop', () => {
    expect(rows('1,x,2\n', [A, C], { rename: { first: 'a' }, drop: ['a'] }, ['first', 'c', 'a'])).toEqual([[1, 'x']]);
    expect(() => makeCsvPlan({ features: [A] }, ['first', 'a'], { rename: { first: 'a' } })).toThrow(
      'CSV columns "first" and "a" both become feature "a": rename or drop one',
    );
  });

  test('that a file lacks are missing in every row, which needs a default or nullable', () => {
    const features = [A, feature('b', 'float', { default: 0.5 }), C, feature('r', 'bytes', { shape: 'ragged' })];
    expect(rows('1\n2\n', features, { separator: '|' }, ['a'])).toEqual([
      [1, 0.5, null, null],
      [2, 0.5, null, null],
    ]);
    const strict = { features: [A, { name: 'y', kind: 'int64' as const, shape: [] }] };
    expect(() => makeCsvPlan(strict, ['a', 'z'], {}, { path: 'x.csv' })).toThrow(
      'x.csv has no column "y" for feature "y", which has no default and is not nullable; its columns are "a", "z"',
    );
  });
});

describe('dialects of the byte path', () => {
  test('delimiter', () => {
    for (const delimiter of [';', '\t', '|', ' ']) {
      expect(rows(`1${delimiter}"a,${delimiter}b"\n2${delimiter}x,y\n`, [A, C], { delimiter })).toEqual([
        [1, `a,${delimiter}b`],
        [2, 'x,y'],
      ]);
    }
  });

  test('quote', () => {
    expect(rows("1,'a, ''b''\n'\n2,\"x\n", [A, C], { quote: "'" })).toEqual([
      [1, "a, 'b'\n"],
      [2, '"x'],
    ]);
    expect(rows('1,"x\n', [A, C], { quote: null })).toEqual([[1, '"x']]);
  });

  test('line ends, blank lines, no last newline', () => {
    expect(rows('\n1,x\r\n\r\n\n2,"y"\r\n3,z', [A, C])).toEqual([
      [1, 'x'],
      [2, 'y'],
      [3, 'z'],
    ]);
  });

  test('an empty line of a table with one column is a missing cell', () => {
    expect(rows('1\n\n\r\n2', [A])).toEqual([[1], [null], [null], [2]]);
  });

  test('bytes that are no UTF-8 pass through', () => {
    const { rows } = parse(Uint8Array.of(0x31, 0x2c, 0xff, 0, 0xc3, 10), [A, C]);
    expect(rows).toEqual([[1n, Uint8Array.of(0xff, 0, 0xc3)]]);
  });
});

describe('bad rows say where and what, and the rows around them are parsed', () => {
  const cases: [string, string, object][] = [
    ['too few cells', '5\n', { expected: 'expected 2 cells, found 1' }],
    ['too many cells', 'x,"y\n",z\n', { expected: 'expected 2 cells, found 3' }],
    ['too many cells rather than a bad value', 'Smith, John,7\n', { expected: 'expected 2 cells, found 3' }],
    [
      'a stray quote',
      '5,a"b"\n',
      { column: 'c', value: 'a"b"', expected: expect.stringContaining('a quote inside an unquoted cell') },
    ],
    [
      'text behind a closing quote',
      '5,"a" b\n',
      { column: 'c', value: '"a" b', expected: expect.stringContaining('after the closing quote') },
    ],
    ['no whole number', '5.5,x\n', { column: 'a', value: '5.5', expected: 'expected a whole number, true or false' }],
    [
      'a number beyond int64',
      '1e19,x\n',
      { column: 'a', value: '1e19', expected: expect.stringContaining('9223372036854775807') },
    ],
  ];
  test.each(cases)('%s', (_, line, expected) => {
    const { rows, bad } = parse(`1,x\n"2","\n"\n${line}3,z\n`, [A, C]);
    expect(rows).toHaveLength(3);
    const code =
      'column' in expected && (expected as { column: string }).column === 'a'
        ? 'SHARDFEED_CSV_FIELD'
        : 'SHARDFEED_CSV_ROW';
    expect(bad).toEqual([{ code, row: 2, offset: 12, line: 3, bytes: bytesOf(line.slice(0, -1)), ...expected }]);
  });

  test('a quote that is never closed', () => {
    const { rows, bad } = parse('1,x\n2,"y\n3,z\n', [A, C]);
    expect(rows).toHaveLength(1);
    expect(bad).toMatchObject([{ row: 1, line: 1, column: 'c', value: '"y\n3,z\n', code: 'SHARDFEED_CSV_ROW' }]);
  });

  test('maxRowBytes', () => {
    const { rows, bad } = parse('1,xxxxx\n2,xxxxxx\n3,x\n', [A, C], { maxRowBytes: 7 });
    expect(rows).toHaveLength(2);
    expect(bad).toMatchObject([{ row: 1, expected: 'expected a row of at most 7 bytes (is a quote never closed?)' }]);
  });

  test('as errors they carry path, line, offset, row and column of the file', () => {
    const [bad] = parse('1,x\n5.5,y\n', [A, C]).bad;
    const error = badRowError(bad!, { path: 'x.csv', firstLine: 11, offset: 100, firstRow: 7 });
    expect(error.toJSON()).toEqual({
      code: 'SHARDFEED_CSV_FIELD',
      message: 'x.csv, line 12, column "a": "5.5": expected a whole number, true or false',
      path: 'x.csv',
      offset: 104,
      record: 8,
      line: 12,
      column: 'a',
    });
  });

  test('a long value is shown in part', () => {
    const { bad } = parse(`${'x'.repeat(1000)},\n`, [A, C]);
    expect(bad[0]!.value).toBe('x'.repeat(200));
  });
});

test('columns grow with what the rows hold', () => {
  const long = 'é'.repeat(3000);
  const lists = Array.from({ length: 500 }, (_, i) => i).join('|');
  const features = [
    A,
    C,
    feature('r', 'int64', { shape: 'ragged' }),
    feature('s', 'bytes', { shape: 'ragged', default: [long, 'x'] }),
  ];
  const text = Array.from({ length: 20 }, (_, i) => `${i},"${long}""",${lists},${i % 2 ? lists : ''}\n`).join('');
  const { rows, bad } = parse(text, features, { separator: '|' });
  expect([rows.length, bad.length]).toEqual([20, 0]);
});

describe('options are checked', () => {
  const cases: [CsvOptions, string][] = [
    [{ delimiter: '' }, 'delimiter'],
    [{ delimiter: '\n' }, 'the delimiter may hold no line break'],
    [{ delimiter: '"' }, 'may be no line break and not part of the delimiter'],
    [{ quote: '""' }, 'quote'],
    [{ quote: null, escape: '\\' }, 'escape wants a quote'],
    [{ encoding: 'klingon' }, 'encoding "klingon" is not known'],
    [{ nulls: ['"'] }, 'null token "\\"" holds a quote'],
    [{ separator: '"' }, 'separator "\\"" holds a quote'],
    [{ columns: ['a', 'a'] }, 'columns names "a" twice'],
    [{ maxRowBytes: 0 }, 'maxRowBytes'],
    [{ delimeter: ';' } as CsvOptions, 'delimeter'],
  ];
  test.each(cases)('%j', (options, message) => {
    expect(() => checkCsvOptions(options)).toThrow(
      expect.objectContaining({ code: 'SHARDFEED_USAGE', message: expect.stringContaining(message) }),
    );
  });
});
