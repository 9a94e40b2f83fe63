import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBatches } from '../../src/dataset/read-batches.js';
import { readRecords } from '../../src/dataset/read-records.js';
import { writeRecords } from '../../src/dataset/write-records.js';
import { ShardfeedError } from '../../src/errors.js';
import { memoryFileSystem, openFiles } from '../../src/files/index.js';
import { type Batch, copyBatch, type FixedColumn } from '../../src/records/batch.js';
import type { Loss } from '../../src/records/losses.js';
import { frameRecords } from '../../src/records/record-writer.js';
import type { Schema } from '../../src/records/schema.js';
import {
  bytesFeature,
  chunked,
  concat,
  entry,
  example,
  field,
  frame,
  int64Feature,
  utf8,
} from '../records/builders.js';
import { collect } from '../support/collect.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardfeed-read-write-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const row = (i: number): Uint8Array => example(entry('id', int64Feature(i)), entry('name', bytesFeature(`name ${i}`)));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const schema: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [], default: -1 },
    { name: 'name', kind: 'bytes', shape: [] },
  ],
};
const ids = (batches: readonly Batch[]): number[] =>
  batches.flatMap((batch) => [...((batch.columns.id as FixedColumn).values as Float64Array)]);

describe('writeRecords and readRecords', () => {
  test.each(['none', 'gzip', 'zlib'] as const)('%s: what is written comes back', async (codec) => {
    const path = join(folder, `written-${codec}`);
    const payloads = range(0, 5000).map((i) => utf8(`record ${i}`));
    const written = await writeRecords(path, payloads, { codec });
    expect(written).toEqual({ records: 5000, bytes: (await readFile(path)).length });
    expect((await collect(readRecords(path))).map(text)).toEqual(payloads.map(text));
  });

  test('several files come in order, also through another file system', async () => {
    const files = openFiles({ drivers: { memory: memoryFileSystem() } });
    for (const name of ['b', 'a', 'c']) await writeRecords(`memory:///d/${name}`, [utf8(name)], { files });
    await writeRecords('memory:///d/_hidden', [utf8('hidden')], { files });
    expect((await collect(readRecords('memory:///d', { files }))).map(text)).toEqual(['a', 'b', 'c']);
    const two = readRecords(['memory:///d/c', 'memory:///d/a'], { files });
    expect((await collect(two)).map(text)).toEqual(['c', 'a']);
  });

  test('a stream of bytes is read like a file', async () => {
    const bytes = frameRecords([utf8('a'), utf8('b')]);
    expect((await collect(readRecords(chunked(bytes, 3)))).map(text)).toEqual(['a', 'b']);
  });

  test('records can be piped from file to file', async () => {
    const from = join(folder, 'from');
    const to = join(folder, 'to');
    await writeRecords(
      from,
      range(0, 20_000).map((i) => utf8(`record ${i}`)),
    );
    await writeRecords(to, readRecords(from));
    expect((await readFile(to)).equals(await readFile(from))).toBe(true);
  });

  test('an existing file stays, unless it may be replaced', async () => {
    const path = join(folder, 'existing');
    await writeRecords(path, [utf8('old')]);
    await expect(writeRecords(path, [utf8('new')])).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
    expect((await collect(readRecords(path))).map(text)).toEqual(['old']);
    await writeRecords(path, [utf8('new')], { overwrite: true });
    expect((await collect(readRecords(path))).map(text)).toEqual(['new']);
  });

  test('a failure or an abort leaves nothing behind, and the old file', async () => {
    const path = join(folder, 'failing', 'file');
    await writeRecords(path, [utf8('old')]);
    function* failing(): Generator<Uint8Array> {
      yield new Uint8Array(3 << 20);
      throw new Error('no more');
    }
    await expect(writeRecords(path, failing(), { overwrite: true })).rejects.toThrow('no more');
    const aborted = writeRecords(path, [utf8('x')], { overwrite: true, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    expect(await readdir(join(folder, 'failing'))).toEqual(['file']);
    expect((await collect(readRecords(path))).map(text)).toEqual(['old']);
  });

  test('a corrupt record names its file', async () => {
    const path = join(folder, 'corrupt');
    await writeFile(path, concat(frame(utf8('a')), frame(utf8('b'), { payloadCrc: 1 })));
    const expected = { code: 'SHARDFEED_CORRUPT_RECORD', path, offset: 17, record: 1 };
    await expect(collect(readRecords(path))).rejects.toMatchObject(expected);
  });

  test('a budget counts over all files', async () => {
    const paths = ['budget-1', 'budget-2'].map((name) => join(folder, name));
    for (const path of paths) await writeFile(path, concat(frame(utf8('a'), { payloadCrc: 1 }), frame(utf8('b'))));
    const losses: Loss[] = [];
    const onLoss = (loss: Loss): void => void losses.push(loss);
    expect(await collect(readRecords(paths, { policy: { skip: 2 }, onLoss }))).toHaveLength(2);
    expect(losses.map((l) => l.path)).toEqual(paths);
    await expect(collect(readRecords(paths, { policy: { skip: 1 } }))).rejects.toMatchObject({
      code: 'SHARDFEED_BUDGET',
    });
  });
});

describe('readBatches', () => {
  test('batches go on over the ends of files, the last one is smaller', async () => {
    const paths = [range(0, 7), range(7, 8), [], range(8, 25)].map(async (list, i) => {
      const path = join(folder, `part-${i}`);
      await writeRecords(path, list.map(row));
      return path;
    });
    const batches = await collect(readBatches(await Promise.all(paths), { schema, batchSize: 10 }));
    expect(batches.map((b) => b.size)).toEqual([10, 10, 5]);
    expect(ids(batches)).toEqual(range(0, 25));
    expect(batches.every((b) => b.mask.every((m) => m === 1))).toBe(true);
  });

  test('batches own their memory', async () => {
    const path = join(folder, 'own');
    await writeRecords(path, range(0, 50_000).map(row));
    const batches = await collect(readBatches(path, { schema }));
    expect(ids(batches)).toEqual(range(0, 50_000));
    expect(new Set(batches.map((b) => b.columns.id!.validity)).size).toBe(1);
  });

  test('reused batches say the same while they last, and can be copied', async () => {
    const path = join(folder, 'reused');
    await writeRecords(path, range(0, 5000).map(row));
    const own = await collect(readBatches(path, { schema }));
    const copies: Batch[] = [];
    let i = 0;
    for await (const batch of readBatches(path, { schema, reuse: true })) {
      expect(batch).toEqual(own[i++]);
      copies.push(copyBatch(batch));
    }
    expect(copies).toEqual(own);
  });

  test('only the columns asked for are there', async () => {
    const path = join(folder, 'columns');
    await writeRecords(path, range(0, 3).map(row));
    const [batch] = await collect(readBatches(path, { schema, columns: ['id'] }));
    expect(Object.keys(batch!.columns)).toEqual(['id']);
  });

  test('lost records keep their rows, wherever they are lost', async () => {
    const path = join(folder, 'lost');
    const malformed = frame(field(1, [255]));
    const bad = (i: number): Uint8Array => frame(row(i), { payloadCrc: 0 });
    const good = (i: number): Uint8Array => frame(row(i));
    const pieces = [bad(0), good(1), malformed, bad(3), good(4), good(5), bad(6)];
    await writeFile(path, concat(...pieces));
    const losses: Loss[] = [];
    const kept: string[] = [];
    const quarantine = (bytes: Uint8Array, offset: number): void => void kept.push(`${offset}:${bytes.length}`);
    const onLoss = (loss: Loss): void => void losses.push(loss);
    const batches = await collect(readBatches(path, { schema, batchSize: 3, policy: { quarantine }, onLoss }));
    expect(ids(batches)).toEqual([-1, 1, -1, -1, 4, 5, -1]);
    expect(batches.flatMap((b) => [...b.mask])).toEqual([0, 1, 0, 0, 1, 1, 0]);
    expect(losses.map((l) => [l.record, l.reason, l.path]).sort()).toEqual([
      [0, 'payload-checksum', path],
      [2, 'malformed-example', path],
      [3, 'payload-checksum', path],
      [6, 'payload-checksum', path],
    ]);
    const lengths = pieces.map((p) => p.length);
    const start = (i: number): number => lengths.slice(0, i).reduce((a, b) => a + b, 0);
    expect(kept.sort()).toEqual([0, 2, 3, 6].map((i) => `${start(i)}:${lengths[i]}`).sort());
    await expect(collect(readBatches(path, { schema, policy: { skip: 3 } }))).rejects.toMatchObject({
      code: 'SHARDFEED_BUDGET',
    });
  });

  test('a malformed record is an error by default', async () => {
    const path = join(folder, 'malformed');
    await writeFile(path, concat(frame(row(0)), frame(field(1, [255]))));
    const expected = { code: 'SHARDFEED_MALFORMED_EXAMPLE', path, record: 1, offset: row(0).length + 16 };
    await expect(collect(readBatches(path, { schema }))).rejects.toMatchObject(expected);
  });

  test('a record that does not fit the schema is an error under every policy', async () => {
    const path = join(folder, 'mismatch');
    await writeRecords(path, [row(0), example(entry('id', bytesFeature('x')), entry('name', bytesFeature('y')))]);
    const expected = { code: 'SHARDFEED_SCHEMA_MISMATCH', path, record: 1, column: 'id' };
    await expect(collect(readBatches(path, { schema, policy: 'skip' }))).rejects.toMatchObject(expected);
  });

  test('no file is an error', async () => {
    const nothing = collect(readBatches(join(folder, 'no-such-file'), { schema }));
    await expect(nothing).rejects.toSatisfy((e) => e instanceof ShardfeedError && e.code === 'SHARDFEED_NOT_FOUND');
  });
});
