import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../src/launch/line-splitter.js';

function split(bytes: Buffer, cuts: readonly number[], most?: number): string[] {
  const splitter = new LineSplitter(most);
  const lines: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts]
    .sort((a, b) => a - b)
    .map((x) => x % (bytes.length + 1))
    .concat(bytes.length)) {
    if (cut < from) continue;
    lines.push(...splitter.push(bytes.subarray(from, cut)));
    from = cut;
  }
  return [...lines, ...splitter.end()].map((line) => line.toString());
}

test('any text, however it is cut, comes as its lines', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat(500)), (pieces, cuts) => {
      const text = Buffer.from(pieces.join('\n')).toString();
      const lines = text.split('\n');
      if (lines.at(-1) === '') lines.pop();
      expect(split(Buffer.from(text), cuts)).toEqual(lines);
    }),
  );
});

test('a line beyond the limit is cut between characters', () => {
  const text = 'ä€🚂'.repeat(50);
  for (const most of [4, 5, 6, 7, 100]) {
    const lines = split(Buffer.from(`${text}\nend`), [], most);
    expect(lines.at(-1)).toBe('end');
    expect(lines.slice(0, -1).join('')).toBe(text);
    expect(lines.every((line) => Buffer.byteLength(line) <= most)).toBe(true);
  }
});
