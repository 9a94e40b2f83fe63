import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CsvOptions } from '../../../src/convert/csv/options.js';
import { CsvParser } from '../../../src/convert/csv/parser.js';
import { makeCsvPlan } from '../../../src/convert/csv/plan.js';
import { type TranscodeContext, transcodeCsv } from '../../../src/convert/csv/transcode.js';
import type { ShardfeedError } from '../../../src/errors.js';
import { Kernel } from '../../../src/records/kernel/kernel.js';
import type { Schema } from '../../../src/records/schema.js';
import { bytesOf, inPieces, parseAll } from './tables.js';

async function transcode(
  text: string | Uint8Array,
  options: CsvOptions,
  context: TranscodeContext = {},
  piece = 5,
): Promise<Buffer> {
  const bytes = typeof text === 'string' ? bytesOf(text) : text;
  const pieces: Uint8Array[] = [];
  for await (const part of transcodeCsv(inPieces(bytes, piece), options, context)) pieces.push(part);
  return Buffer.concat(pieces);
}
const asText = async (...args: Parameters<typeof transcode>): Promise<string> => (await transcode(...args)).toString();

describe('each option of a dialect', () => {
  test('delimiter of several characters', async () => {
    expect(await asText('a||b\n1||"x||y"\n""||2,5\n', { delimiter: '||' })).toBe('a,b\n1,"x||y"\n"","2,5"\n');
  });

  test('delimiter beyond ASCII', async () => {
    expect(await asText('a§b\né§2\n', { delimiter: '§' })).toBe('a,b\né,2\n');
  });

  test('escape', async () => {
    expect(await asText('a,b\n"x \\"y\\"",""\n', { escape: '\\' })).toBe('a,b\n"x ""y""",""\n');
  });

  test('comment: lines keep their numbers', async () => {
    expect(await asText('# one\n# two\na,b\n1,2 # rest\n# three\n3,4\n', { comment: '#' })).toBe(
      '\n\na,b\n1,2 \n\n3,4\n',
    );
  });

  test('recordDelimiter', async () => {
    expect(await asText('a,b\r1,2\r', { recordDelimiter: '\r' })).toBe('a,b\n1,2\n');
  });

  test('relaxColumnCount', async () => {
    expect(await asText('a,b,c\n1\n1,2,3,4\n', { relaxColumnCount: true })).toBe('a,b,c\n1,,\n1,2,3\n');
  });

  test('relaxQuotes', async () => {
    expect(await asText('a,b\n5" pipe,"x"\n', { relaxQuotes: true })).toBe('a,b\n"5"" pipe","x"\n');
  });

  test('trim', async () => {
    expect(await asText('a , b\n à , "x" \n', { trim: true })).toBe('a,b\nà,"x"\n');
  });

  test('quote of another kind with an escape', async () => {
    expect(await asText("a,b\n'x\\'y','1,2'\n", { quote: "'", escape: '\\' })).toBe('a,b\n"x\'y","1,2"\n');
  });

  test('encodings', async () => {
    expect(
      await asText(Buffer.from('\ufeffä;b\n1;é\n', 'utf16le'), { encoding: 'utf-16le', delimiter: ';' }, {}, 3),
    ).toBe('ä;b\n1;é\n');
    expect(await asText(Buffer.from('é,b\n', 'latin1'), { encoding: 'windows-1252' })).toBe('é,b\n');
    expect(await asText(Uint8Array.of(0x93, 0xfa, 0x2c, 0x31, 10), { encoding: 'shift_jis', comment: '#' })).toBe(
      '日,1\n',
    );
  });
});

test('a plain dialect passes untouched', () => {
  const source = inPieces(bytesOf('a;b\n'));
  expect(transcodeCsv(source, { delimiter: ';', quote: null, nulls: ['NA'] })).toBe(source);
});

test('bytes that are no UTF-8 stay as they are', async () => {
  const bytes = Uint8Array.of(0x61, 0x2c, 0xff, 0xfe, 0x2c, 0xc3, 10);
  expect(await transcode(bytes, { comment: '#' })).toEqual(Buffer.from(bytes));
});

test('rows begin on the lines on which they began, also behind quoted newlines and in CRLF', async () => {
  const text = '\ufeff# c\r\na,b\r\n\r\n"x\r\ny",1\r\n# c\r\n\r\n2,"\n\n"\r\n3,4';
  for (const piece of [1, 2, 3, 1000]) {
    expect(await asText(text, { comment: '#' }, {}, piece)).toBe('\na,b\n\n"x\r\ny",1\n\n\n2,"\n\n"\n3,4\n');
  }
});

test('blank lines of a table with one column are rows', async () => {
  expect(await asText('a\n# c\n1\n\n""\n', { comment: '#' })).toBe('a\n1\n\n""\n');
});

describe('misplaced quotes', () => {
  const failure = async (text: string): Promise<ShardfeedError> =>
    asText(text, { comment: '#' }, { path: 'x.csv' }).then(
      () => expect.fail('no error'),
      (error) => error,
    );
  test('end the stream with the line', async () => {
    const where = { code: 'SHARDFEED_CSV_ROW', path: 'x.csv', line: 2 };
    expect(await failure('a,b\n"x"y,2\n3,4\n')).toMatchObject(where);
    expect(await failure('a,b\nx"y,2\n3,4\n')).toMatchObject(where);
    expect(await failure('a,b\n1,"x')).toMatchObject(where);
  });

  test('or are handed to onBadRow, and the rows behind them follow', async () => {
    const bad: ShardfeedError[] = [];
    const text = 'a,b\n1,2\nx"y,2\n3,4\n';
    expect(await asText(text, { comment: '#' }, { onBadRow: (e) => bad.push(e) })).toBe('a,b\n1,2\n\n3,4\n');
    expect(bad.map((e) => [e.code, e.line])).toEqual([['SHARDFEED_CSV_ROW', 3]]);
  });
});

test('a failing source fails the stream', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield bytesOf('a,b\n');
    throw new Error('gone');
  }
  const read = async (): Promise<void> => {
    for await (const _ of transcodeCsv(source(), { comment: '#' }));
  };
  await expect(read()).rejects.toThrow('gone');
});

test('bytes that do not fit the encoding are an error', async () => {
  await expect(transcode(Uint8Array.of(0x61, 0xff, 0x61, 0x61), { encoding: 'shift_jis' })).rejects.toMatchObject({
    code: 'SHARDFEED_CSV_ROW',
  });
});

describe('the byte path reads RFC 4180 as csv-parse does', () => {
  const plain = fc.stringMatching(/^[a-z0-9 .;é'\\-]{0,8}$/);
  const quoted = fc.stringMatching(/^[a-z",\n\ré ]{0,8}$/).map((text) => `"${text.replaceAll('"', '""')}"`);
  const row = fc.array(fc.oneof(plain, quoted), { minLength: 3, maxLength: 3 });

  test('cells, whatever the line ends', () => {
    const schema: Schema = { features: ['a', 'b', 'c'].map((name) => ({ name, kind: 'bytes' as const, shape: [] })) };
    const plan = makeCsvPlan(schema, ['a', 'b', 'c'], { nulls: [] });
    const parser = new CsvParser(new Kernel(), plan, 7);
    const property = fc.property(
      fc.array(row, { maxLength: 20 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      (rows, end, terminated, blankLines) => {
        const lines = rows.flatMap((cells, i) => [cells.join(','), ...(blankLines && i % 3 === 0 ? [''] : [])]);
        const text = bytesOf(lines.join(end) + (terminated && lines.length > 0 ? end : ''));
        const expected = parse(Buffer.from(text), { skip_empty_lines: true, record_delimiter: end }) as string[][];
        const { rows: found, bad } = parseAll(text, plan, 7, parser);
        expect(bad).toEqual([]);
        expect(found.map((cells) => cells.map((cell) => Buffer.from(cell as Uint8Array).toString()))).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 1500 });
  });

  test('and what csv-parse has rewritten reads as the text itself', async () => {
    const schema: Schema = {
      features: ['a', 'b', 'c'].map((name) => ({ name, kind: 'bytes' as const, shape: [], nullable: true })),
    };
    const plan = makeCsvPlan(schema, ['a', 'b', 'c']);
    const property = fc.asyncProperty(
      fc.array(row, { maxLength: 20 }),
      fc.integer({ min: 1, max: 50 }),
      async (rows, piece) => {
        const text = bytesOf(rows.map((cells) => `${cells.join(',')}\n`).join(''));
        const rewritten = await transcode(text, { comment: '#' }, {}, piece);
        expect(parseAll(rewritten, plan)).toEqual(parseAll(text, plan));
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});
