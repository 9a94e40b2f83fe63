import { describe, expect, test } from 'vitest';
import { type CsvHeaderContext, checkSameColumns, readCsvHeader } from '../../../src/convert/csv/header.js';
import type { CsvOptions } from '../../../src/convert/csv/options.js';
import type { ShardfeedError } from '../../../src/errors.js';
import { bytesOf, inPieces } from './tables.js';

interface Read {
  names: readonly string[];
  bytes: number;
  lines: number;
  rest: string;
}

async function read(
  text: string | Uint8Array,
  options: CsvOptions = {},
  context: CsvHeaderContext = {},
  piece = 1e9,
): Promise<Read> {
  const bytes = typeof text === 'string' ? bytesOf(text) : text;
  const { rest, ...header } = await readCsvHeader(inPieces(bytes, piece), options, context);
  const pieces: Uint8Array[] = [];
  for await (const part of rest) pieces.push(part);
  return { ...header, rest: Buffer.concat(pieces).toString() };
}

async function failure(
  text: string | Uint8Array,
  options: CsvOptions = {},
  context: CsvHeaderContext = {},
): Promise<ShardfeedError> {
  return read(text, options, context).then(
    () => expect.fail('no error'),
    (error) => error,
  );
}

describe('the header', () => {
  test('names the columns, and the rest follows, however the bytes arrive', async () => {
    const text = '\ufeff\r\n\na,"b ""x""\n","c,d",é\r\n1,2,3,4\n';
    for (const piece of [1, 2, 3, 7, 100]) {
      expect(await read(text, {}, {}, piece)).toEqual({
        names: ['a', 'b "x"\n', 'c,d', 'é'],
        bytes: 29,
        lines: 4,
        rest: '1,2,3,4\n',
      });
    }
  });

  test('may be all there is', async () => {
    expect(await read('a,b')).toEqual({ names: ['a', 'b'], bytes: 3, lines: 0, rest: '' });
    expect(await read('a,b\r\n')).toEqual({ names: ['a', 'b'], bytes: 5, lines: 1, rest: '' });
  });

  test('uses the delimiter and quote of the dialect', async () => {
    expect(await read("a;'b;c'\n1;2\n", { delimiter: ';', quote: "'" })).toMatchObject({
      names: ['a', 'b;c'],
      rest: '1;2\n',
    });
    expect(await read('a\t"b\n1\t2', { delimiter: '\t', quote: null })).toMatchObject({ names: ['a', '"b'] });
  });

  test('without one, names come from the options, the schema, or are numbered', async () => {
    const schema = { features: ['x', 'y'].map((name) => ({ name, kind: 'int64' as const, shape: [] })) };
    const text = '\ufeff1,2\n3,4\n';
    const rest = { bytes: 3, lines: 0, rest: '1,2\n3,4\n' };
    expect(await read(text, { header: false, columns: ['p', 'q'] }, { schema })).toEqual({
      names: ['p', 'q'],
      ...rest,
    });
    expect(await read(text, { header: false }, { schema })).toEqual({ names: ['x', 'y'], ...rest });
    expect(await read(text, { header: false })).toEqual({ names: ['col0', 'col1'], ...rest });
    expect(await read('', { header: false }, { schema })).toEqual({ names: ['x', 'y'], bytes: 0, lines: 0, rest: '' });
  });

  test('is replaced by names that are given', async () => {
    expect(await read('a,b\n1,2\n', { columns: ['p', 'q'] })).toEqual({
      names: ['p', 'q'],
      bytes: 4,
      lines: 1,
      rest: '1,2\n',
    });
  });
});

describe('a wrong header says what is wrong', () => {
  test.each([
    ['repeated', 'a,b,a\n', {}, 'columns 1 and 3 are both named "a"'],
    ['empty', 'a,,c\n', {}, 'column 2 of the header has no name; the columns are "a", "", "c"'],
    ['missing', '', {}, 'the file is empty: expected a header line'],
    ['missing behind blank lines', '\n\r\n', {}, 'the file is empty: expected a header line'],
    [
      'no text',
      'a\0,b\n',
      {},
      'there are zero bytes in the header: this is no text, or UTF-16, which wants its encoding',
    ],
    ['misquoted', 'a,b"c\n', {}, 'column 2 of the header has a misplaced quote'],
    ['never closed', '"a,b\n1,2\n', {}, 'column 1 of the header has a misplaced quote'],
    ['of another length than the names', 'a,b\n', { columns: ['x'] }, 'the first row has 2 cells, columns names 1'],
    [
      'of classic Mac lines',
      'a,b\r1,2\r',
      {},
      'the header holds a carriage return: are lines ended by it? Then give recordDelimiter "\\r"',
    ],
    [
      'too long',
      `"${'x'.repeat(200)}`,
      { maxRowBytes: 100 },
      'the first row has more than 100 bytes (is a quote never closed?)',
    ],
  ])('%s', async (_, text, options, message) => {
    const error = await failure(text, options, { path: 'x.csv' });
    expect(error).toMatchObject({ code: 'SHARDFEED_CSV_HEADER', path: 'x.csv', message: `x.csv: ${message}` });
  });

  test('not UTF-8', async () => {
    expect((await failure(Uint8Array.of(0x61, 0x2c, 0xe9, 10))).message).toBe(
      "CSV input: the name of column 2 is not UTF-8: give the file's encoding",
    );
    const utf16 = Buffer.from('\ufeffa,b\n', 'utf16le');
    expect((await failure(utf16)).message).toBe('CSV input: the text is UTF-16, not UTF-8: give the encoding utf-16le');
  });

  test('and closes the source', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield bytesOf('a,a\n');
        yield bytesOf('1,2\n');
      } finally {
        closed = true;
      }
    }
    await expect(readCsvHeader(source())).rejects.toThrow('both named');
    expect(closed).toBe(true);
  });
});

test('leaving the rest closes the source', async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield bytesOf('a,b\n1,');
      yield bytesOf('2\n');
    } finally {
      closed = true;
    }
  }
  const { rest } = await readCsvHeader(source());
  for await (const _ of rest) break;
  expect(closed).toBe(true);
});

describe('headers of several files', () => {
  const first = { path: 'a.csv', names: ['x', 'y'] };
  test('may be in another order', () => {
    checkSameColumns([first, { path: 'b.csv', names: ['y', 'x'] }]);
  });
  test('are wrong where names differ', () => {
    const check =
      (...names: string[]) =>
      () =>
        checkSameColumns([first, { path: 'b.csv', names }]);
    expect(check('x')).toThrow('b.csv: unlike a.csv, it lacks "y"');
    expect(check('x', 'z', 'y')).toThrow('b.csv: unlike a.csv, it has "z" too');
    expect(check('x', 'z')).toThrow('b.csv: unlike a.csv, it lacks "y" and has "z" too');
  });
});
