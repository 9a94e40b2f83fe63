import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CsvChunk, csvChunks } from '../../../src/convert/csv/chunks.js';
import {
  type ColumnReport,
  concludeInference,
  type Inference,
  type InferenceOptions,
  type InferenceState,
  mergeInference,
} from '../../../src/convert/csv/inference.js';
import { makeInferencePlan } from '../../../src/convert/csv/inference-plan.js';
import { inferPlainly } from '../../../src/convert/csv/inference-twin.js';
import { CsvInferrer } from '../../../src/convert/csv/inferrer.js';
import type { CsvOptions } from '../../../src/convert/csv/options.js';
import { Kernel } from '../../../src/records/kernel/kernel.js';
import { bytesOf, inPieces } from './tables.js';

function inferAll(text: string, names: string[], options: CsvOptions & InferenceOptions = {}): Inference {
  const { kinds, labels, ...csv } = options;
  const inferrer = new CsvInferrer(new Kernel(), makeInferencePlan(names, csv));
  inferrer.add(bytesOf(text), { firstRow: 0, firstLine: 1 });
  return concludeInference(inferrer.take(), options);
}

/** What is inferred for a table of one column with these cells. */
function infer(...cells: string[]): Omit<ColumnReport, 'name' | 'distinct'> {
  const { name: _, distinct: __, ...report } = inferAll(cells.map((c) => `${c},\n`).join(''), ['a', 'b']).columns[0]!;
  return report;
}
const why = (reason: string, line: number, value: string): ColumnReport['why'] => {
  return { reason, cell: { order: [0, expect.any(Number)] as unknown as [number, number], line, value } };
};

describe('a column is', () => {
  test('int64 where all cells are whole numbers, true or false', () => {
    expect(infer('1', ' 5 ', '-7', '"12"')).toEqual({ kind: 'int64', nulls: 0, min: -7, max: 12 });
    expect(infer('True', 'false', '7')).toEqual({ kind: 'int64', nulls: 0, min: 0, max: 7 });
    expect(infer('-9223372036854775808', '9223372036854775807')).toEqual({
      kind: 'int64',
      nulls: 0,
      min: -(2n ** 63n),
      max: 2n ** 63n - 1n,
    });
  });

  test('float where they are numbers, some with a decimal point or exponent, or nan or infinite', () => {
    expect(infer('1', '0.1', '-3e2')).toEqual({ kind: 'float', nulls: 0, min: -300, max: 1 });
    expect(infer('3.0')).toEqual({ kind: 'float', nulls: 0, min: 3, max: 3 });
    expect(infer('nan', '-inf', '2')).toEqual({ kind: 'float', nulls: 0, min: 2, max: 2 });
    expect(infer('1.5', '123456789012345678901234567890')).toEqual({
      kind: 'float',
      nulls: 0,
      min: 1.5,
      max: Math.fround(1.2345678901234568e29),
    });
  });

  test('bytes for all else, and it says which cell made it so', () => {
    expect(infer('1', '2.5', 'x y', '3')).toEqual({
      kind: 'bytes',
      nulls: 0,
      why: why('a cell is no number', 3, 'x y'),
    });
    expect(infer('1', '""')).toEqual({ kind: 'bytes', nulls: 0, why: why('a cell is no number', 2, '') });
    expect(infer('1', '9223372036854775808')).toEqual({
      kind: 'bytes',
      nulls: 0,
      why: why('a whole number is beyond int64', 2, '9223372036854775808'),
    });
    expect(infer('true', '1', '0.5', 'false')).toEqual({
      kind: 'bytes',
      nulls: 0,
      why: why('true and false stand beside decimal numbers', 3, '0.5'),
    });
    expect(infer('0.5', 'true')).toMatchObject({ why: why('true and false stand beside decimal numbers', 2, 'true') });
    expect(infer('', '')).toEqual({ kind: 'bytes', nulls: 2, why: { reason: 'all cells are missing' } });
  });

  test('nullable where cells are missing; blanks are missing among numbers and text among texts', () => {
    const { schema, columns } = inferAll('1,x,\n, ,2\n  ,,3\n', ['a', 'b', 'c']);
    expect(schema.features).toEqual([
      { name: 'a', kind: 'int64', shape: [], nullable: true },
      { name: 'b', kind: 'bytes', shape: [], nullable: true },
      { name: 'c', kind: 'int64', shape: [], nullable: true },
    ]);
    expect(columns.map((c) => c.nulls)).toEqual([2, 1, 1]);
  });
});

test('null tokens, renamed and dropped columns, given kinds and labels', () => {
  const text = 'NA,01234,1,9\n5,00501,0,8\n';
  const options = {
    nulls: ['NA'],
    rename: { zip: 'code' },
    drop: ['d'],
    kinds: { code: 'bytes' as const },
    labels: ['y'],
  };
  const { schema, columns } = inferAll(text, ['a', 'zip', 'y', 'd'], options);
  expect(schema).toEqual({
    features: [
      { name: 'a', kind: 'int64', shape: [], nullable: true },
      { name: 'code', kind: 'bytes', shape: [] },
      { name: 'y', kind: 'int64', shape: [] },
    ],
    labels: ['y'],
  });
  expect(columns[1]).toEqual({ name: 'code', kind: 'bytes', nulls: 0, distinct: 2, why: { reason: 'given' } });
});

test('the line of a deciding cell is true behind quoted newlines, and rows that are bad decide nothing', () => {
  const inferrer = new CsvInferrer(new Kernel(), makeInferencePlan(['a', 'b']));
  const text = '"1","\n\n"\nbad\n2,\n"3\n4",\n';
  const { rows, bad } = inferrer.add(bytesOf(text), { firstRow: 10, firstLine: 101, path: 'p.csv' });
  expect([rows, bad.length, bad[0]!.line]).toEqual([3, 1, 3]);
  const cell = inferrer.take().columns[0]!.first[4];
  expect(cell).toEqual({ path: 'p.csv', order: [10, 17], line: 106, value: '3\n4' });
});

test('a sample takes as many good rows as it is asked for', () => {
  const inferrer = new CsvInferrer(new Kernel(), makeInferencePlan(['a', 'b']));
  const { rows, bad } = inferrer.add(bytesOf('1,1\nbad\n2,2\nx,x\n'), { firstRow: 0, firstLine: 1 }, 2);
  expect([rows, bad.length]).toEqual([2, 1]);
  expect(concludeInference(inferrer.take()).schema.features.map((f) => f.kind)).toEqual(['int64', 'int64']);
});

test('the distinct estimate is near for few and for many', () => {
  const rows = Array.from({ length: 60_000 }, (_, i) => `${i % 7},${i},some longer text number ${i % 20_000}\n`);
  const { columns } = inferAll(rows.join(''), ['few', 'all', 'long']);
  expect(columns[0]!.distinct).toBe(7);
  expect(columns[1]!.distinct! / 60_000).toBeCloseTo(1, 1);
  expect(columns[2]!.distinct! / 20_000).toBeCloseTo(1, 1);
});

const cell = fc.oneof(
  fc.stringMatching(/^-?[0-9.]{1,36}$/),
  { weight: 4, arbitrary: fc.integer({ min: -1200, max: 1200 }).map(String) },
  { weight: 2, arbitrary: fc.double({ noDefaultInfinity: true }).map(String) },
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
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
    ' NA ',
    '  ',
    'x',
    '"a""b"',
  ),
);

describe('kernel, twin and merged chunks agree', () => {
  const columns = fc.array(fc.array(cell, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
  const withoutDistinct = ({ schema, columns, rows }: Inference): unknown => {
    return { schema, rows, columns: columns.map(({ distinct: _, ...report }) => report) };
  };

  test('on random tables, at any chunk size, merged in any order', async () => {
    const property = fc.asyncProperty(
      columns,
      fc.array(fc.nat(11), { maxLength: 60 }),
      fc.constantFrom([''], ['', 'NA'], []),
      fc.boolean(),
      fc.integer({ min: 1, max: 200 }),
      fc.boolean(),
      async (pools, picks, nulls, quotedNulls, chunkBytes, backwards) => {
        const rows = picks.map((k) => pools.map((pool) => pool[k % pool.length]!).slice(0, k === 11 ? 1 : undefined));
        const text = bytesOf(rows.map((r) => `${r.join(',')}\n`).join(''));
        const names = pools.map((_, i) => `c${i}`);
        const plan = makeInferencePlan(names, { nulls, quotedNulls });
        const plain = inferPlainly(text, plan, { firstRow: 0, firstLine: 1 });

        const chunks: CsvChunk[] = [];
        for await (const c of csvChunks(inPieces(text), { chunkBytes, blankRows: plan.blankRows })) chunks.push(c);
        const whole = new CsvInferrer(new Kernel(), plan);
        const bad = whole.add(text, { firstRow: 0, firstLine: 1 }).bad;
        expect(bad).toEqual(plain.bad);
        const expected = concludeInference(whole.take());
        expect(withoutDistinct(expected)).toEqual(withoutDistinct(concludeInference(plain.state)));

        const kinds = new CsvInferrer(new Kernel(), plan, 'kinds');
        for (const chunk of chunks) kinds.add(chunk.bytes, chunk);
        expect(kindsAndReasons(concludeInference(kinds.take()))).toEqual(kindsAndReasons(expected));

        const states = chunks.map((chunk): InferenceState => {
          const inferrer = new CsvInferrer(new Kernel(), plan);
          inferrer.add(chunk.bytes, chunk);
          return inferrer.take();
        });
        if (backwards) states.reverse();
        if (states.length === 0) return;
        const merged = concludeInference(states.reduce(mergeInference));
        expect(cellsAsLines(merged)).toEqual(cellsAsLines(expected));
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});

function kindsAndReasons({ rows, columns }: Inference): unknown {
  return [rows, columns.map(({ name, kind, why }) => [name, kind, why?.reason, why?.cell?.line, why?.cell?.value])];
}

/** Without the places of cells that depend on the chunk: the line says enough. */
function cellsAsLines({ schema, rows, columns }: Inference): unknown {
  return {
    schema,
    rows,
    columns: columns.map((c) => ({ ...c, why: [c.why?.reason, c.why?.cell?.line, c.why?.cell?.value] })),
  };
}
