import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CsvChunk, type CsvScanOptions, csvChunks, csvSpans } from '../../../src/convert/csv/chunks.js';
import { tokenise } from '../../../src/convert/csv/tokenise.js';
import { collect } from '../../support/collect.js';
import { bytesOf, inPieces } from './tables.js';

const TEXT = 'a,"x\n""y\r\n",1\r\n\n"\n\n",b,2\n\r\nlast,"',
  WHOLE = bytesOf(`${TEXT}\n",3`);

test('every chunk size and every piece size cuts at row ends, and the chunks are the text', async () => {
  for (let chunkBytes = 1; chunkBytes <= WHOLE.length + 1; chunkBytes++) {
    const expected = await collect(csvChunks(inPieces(WHOLE), { chunkBytes }));
    expect(Buffer.concat(expected.map((c) => c.bytes))).toEqual(Buffer.from(WHOLE));
    for (const chunk of expected) {
      expect(chunk.rows).toBe([...tokenise(chunk.bytes, { delimiter: ',', quote: '"' }, false)].length);
    }
    for (let size = 1; size < 9; size++) {
      expect(await collect(csvChunks(inPieces(WHOLE, size), { chunkBytes }))).toEqual(expected);
    }
    const spans = await collect(csvSpans(inPieces(WHOLE, 3), { chunkBytes }));
    expect(spans).toEqual(expected.map(({ bytes: _, ...span }) => span));
  }
});

test('rows, first rows and first lines are true with quoted newlines, blank lines and offsets', async () => {
  const chunks = await collect(csvChunks(inPieces(WHOLE), { chunkBytes: 1, offset: 100, firstRow: 10, firstLine: 2 }));
  expect(
    chunks.map(({ offset, length, rows, firstRow, firstLine }) => [offset, length, rows, firstRow, firstLine]),
  ).toEqual([
    [100, 15, 1, 10, 2],
    [115, 1, 0, 11, 5],
    [116, 9, 1, 11, 6],
    [125, 2, 0, 12, 9],
    [127, 10, 1, 12, 10],
  ]);
});

/** Rows, blank rows and lines counted in the plainest way. */
function plainly(text: Uint8Array, options: CsvScanOptions): { rows: number; lines: number } {
  const quote = options.quote === undefined ? '"' : options.quote;
  const rows = [...tokenise(text, { delimiter: ',', quote }, options.blankRows ?? false)].length;
  return { rows, lines: text.filter((b) => b === 10).length };
}

test('on any bytes the scan counts as the plain tokeniser does', async () => {
  const some = fc.constantFrom(34, 44, 10, 13, 97, 97, 97, 97, 0xff);
  const property = fc.asyncProperty(
    fc.array(some, { maxLength: 500 }),
    fc.integer({ min: 1, max: 300 }),
    fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
    fc.boolean(),
    fc.constantFrom('"', null, 'a'),
    async (list, chunkBytes, sizes, blankRows, quote) => {
      const text = Uint8Array.from(list);
      const options = { chunkBytes, blankRows, quote };
      const chunks = await collect(csvChunks(inPieces(text, ...sizes), options));
      expect(Buffer.concat(chunks.map((c) => c.bytes))).toEqual(Buffer.from(text));
      let at = { offset: 0, firstRow: 0, firstLine: 1 };
      for (const chunk of chunks) {
        expect(chunk).toMatchObject(at);
        const { rows, lines } = plainly(chunk.bytes, options);
        expect(chunk.rows).toBe(rows);
        expect(chunk.length).toBe(chunk.bytes.length);
        at = { offset: at.offset + chunk.length, firstRow: at.firstRow + rows, firstLine: at.firstLine + lines };
      }
      for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBeGreaterThanOrEqual(chunkBytes);
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

test('a row above the limit is cut off in its chunk, and the rows behind it are untouched', async () => {
  const text = bytesOf(`a,b\n"${'x\n'.repeat(500)}",c\nd,e\n`);
  const summary = (chunks: CsvChunk[]): unknown[] =>
    chunks.map(({ bytes, offset, rows, firstRow, firstLine }) => [bytes.length, offset, rows, firstRow, firstLine]);
  const expected = [
    [4, 0, 1, 0, 1],
    [55, 4, 1, 1, 2],
    [4, 1009, 1, 2, 503],
  ];
  for (const size of [1, 7, 64, 5000]) {
    const chunks = await collect(csvChunks(inPieces(text, size), { chunkBytes: 4, maxRowBytes: 50 }));
    expect(summary(chunks)).toEqual(expected);
  }
});

test('an empty source has no chunks', async () => {
  expect(await collect(csvChunks(inPieces(new Uint8Array(0))))).toEqual([]);
});
