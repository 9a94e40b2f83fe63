import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { describeError } from '../../src/cli/describe-error.js';
import { formatBytes, formatCount, formatNumber, formatSeconds, plural } from '../../src/cli/format.js';
import { byteSize, names, pairs, wholeNumber } from '../../src/cli/parse-options.js';
import { Progress, progressLine } from '../../src/cli/progress.js';
import { displayWidth, printable, tableLines } from '../../src/cli/table.js';
import { ShardfeedError } from '../../src/errors.js';

test('numbers for people', () => {
  expect([0, 999, 1000, 99_499, 999_499, 999_500, 1_234_567, 2e12].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '99.5 kB',
    '999 kB',
    '1.0 MB',
    '1.2 MB',
    '2.0 TB',
  ]);
  expect([0, 0.34, 9.94, 9.96, 59.4, 61, 3599, 7900].map(formatSeconds)).toEqual([
    '0.0 s',
    '0.3 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 01 s',
    '59 min 59 s',
    '2 h 11 min',
  ]);
  expect([1_234_567, 12].map(formatCount)).toEqual(['1,234,567', '12']);
  expect([plural(1, 'row'), plural(0, 'row'), plural(2000, 'row')]).toEqual(['1 row', '0 rows', '2,000 rows']);
  expect([1 / 3, 1e10 / 3, 7, '9223372036854775807', 1e-9].map(formatNumber)).toEqual([
    '0.333333',
    '3333330000',
    '7',
    '9223372036854775807',
    '1e-9',
  ]);
});

test('sizes and numbers as options', () => {
  expect(['0', '1000', '64k', '64kB', '1.5MB', '64 MiB', '2Gi', '1TiB'].map(byteSize)).toEqual([
    0,
    1000,
    64_000,
    64_000,
    1_500_000,
    64 << 20,
    2 ** 31,
    2 ** 40,
  ]);
  for (const text of ['', 'x', '-1', '1 parsec', '1e3', 'MB', '99999999TB'])
    expect(() => byteSize(text), text).toThrow('a size');
  expect(wholeNumber(0)('17')).toBe(17);
  for (const text of ['', '-1', '1.5', '1e3', 'x', '99999999999999999999'])
    expect(() => wholeNumber(0)(text), text).toThrow('whole');
  expect(wholeNumber(Number.MIN_SAFE_INTEGER)('-5')).toBe(-5);
  expect(pairs('c=d=e', pairs('a=1,b='))).toEqual({ a: '1', b: '', c: 'd=e' });
  expect(names('c', names('a,b'))).toEqual(['a', 'b', 'c']);
});

describe('tables', () => {
  const columns = [{ title: 'name' }, { title: 'n', align: 'right' }] as const;

  test('align, cut and count what does not fit', () => {
    expect(
      tableLines(columns, [
        ['a', '1'],
        ['longer', '100'],
      ]),
    ).toEqual(['name      n', 'a         1', 'longer  100']);
    expect(tableLines(columns, [['x'.repeat(50), '1']], { cellWidth: 10 })[1]).toBe(`${'x'.repeat(9)}…  1`);
    expect(tableLines(columns, [['longer', '100']], { width: 8 })).toEqual(['name', 'longer', '(1 more columns: n)']);
    expect(tableLines(columns, [['longer', '100']], { width: 3 })).toHaveLength(3);
  });

  test('wide and combining characters', () => {
    expect(['abc', '日本', 'e\u0301', '\u{1f600}', '\u200b'].map(displayWidth)).toEqual([3, 4, 1, 2, 0]);
    expect(
      tableLines(columns, [
        ['日本', '1'],
        ['abcd', '2'],
      ]),
    ).toEqual(['name  n', '日本  1', 'abcd  2']);
  });

  test('control characters do not reach the terminal', () => {
    expect(printable('a\x1b[31m\n\t\x00\u009b\u202eb')).toBe('a\\u001b[31m\\n\\t\\u0000\\u009b\\u202eb');
  });
});

describe('progress', () => {
  test('rows, bytes, rate and time left', () => {
    const state = { phase: 'convert', rows: 1_000_000, bytes: 50e6, totalBytes: 200e6 };
    expect(progressLine(state, 0.5)).toBe('convert: 1,000,000 rows, 50.0 MB of 200 MB (25 %)');
    expect(progressLine(state, 2)).toBe('convert: 1,000,000 rows, 50.0 MB of 200 MB (25 %), 25.0 MB/s, 6.0 s left');
    expect(progressLine({ phase: 'verify', rows: 1, bytes: 0, noun: 'record' }, 2)).toBe(
      'verify: 1 record, 1 records/s',
    );
  });

  test('shows one line on a terminal and takes it away, and nothing elsewhere', () => {
    const written: string[] = [];
    const write = (text: string) => written.push(text);
    const elsewhere = new Progress({ isTTY: false, write });
    elsewhere.update({ phase: 'convert', rows: 1, bytes: 1 });
    elsewhere.clear();
    expect(written).toEqual([]);
    const terminal = new Progress({ isTTY: true, columns: 30, write });
    terminal.update({ phase: 'convert', rows: 1, bytes: 1, totalBytes: 1000 });
    terminal.update({ phase: 'convert', rows: 2, bytes: 2, totalBytes: 1000 });
    terminal.clear();
    terminal.clear();
    expect(written).toEqual(['\r\x1b[Kconvert: 1 row, 1 B of 1.0 kB', '\r\x1b[K']);
  });
});

describe('errors', () => {
  test('say what the message leaves out, in one line', () => {
    const error = new ShardfeedError('SHARDFEED_CSV_FIELD', 'a cell is\nno number', {
      path: 'in.csv',
      line: 3,
      column: 'age',
      offset: 17,
      record: 2,
    });
    expect(describeError(error)).toEqual({
      line: 'shardfeed: SHARDFEED_CSV_FIELD: a cell is no number (in.csv, line 3, column age, byte 17, record 2)',
      exitCode: 1,
    });
    const told = new ShardfeedError('SHARDFEED_TRUNCATED', 'x.gz ends at byte 17', { path: 'x.gz', offset: 17 });
    expect(describeError(told)).toMatchObject({
      exitCode: 3,
      line: expect.stringMatching(/^shardfeed: SHARDFEED_TRUNCATED: x.gz ends at byte 17; `/),
    });
  });

  test('what steers terminals is escaped', () => {
    const error = new ShardfeedError('SHARDFEED_NOT_FOUND', 'no \x1b[31m', { path: '\x07' });
    expect(describeError(error).line).toBe('shardfeed: SHARDFEED_NOT_FOUND: no \\u001b[31m (\\u0007)');
  });

  test('a bug says so', () => {
    expect(describeError(new TypeError('x is not a function'))).toMatchObject({
      exitCode: 1,
      line: expect.stringMatching(/^shardfeed: unexpected error: x is not a function \(/),
    });
  });

  test('of usage', () => {
    const error = new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'\n(Did you mean --y?)");
    expect(describeError(error)).toEqual({
      exitCode: 2,
      line: "shardfeed: SHARDFEED_USAGE: unknown option '--x' (did you mean --y?); see --help",
    });
  });
});
