import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { readBatches } from '../../src/dataset/read-batches.js';
import { readRecords } from '../../src/dataset/read-records.js';
import { decodeExample } from '../../src/records/example-object.js';
import { rows } from '../../src/records/rows.js';
import type { Schema } from '../../src/records/schema.js';

// What Spark (spark-tfrecord) and Hadoop (tensorflow-hadoop) wrote of source.csv: 1000 rows in 4 parts each, plain, gzip,
// and zlib (Hadoop's .deflate).
const GOLDEN = fileURLToPath(new URL('../fixtures/golden', import.meta.url));
const FOLDERS = [
  'spark-tfrecord-plain',
  'spark-tfrecord-gzip',
  'tensorflow-hadoop-plain',
  'tensorflow-hadoop-deflate',
] as const;

const schema: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'big', kind: 'int64', shape: [] },
    { name: 'x', kind: 'float', shape: [] },
    { name: 'd', kind: 'float', shape: [] },
    { name: 'name', kind: 'bytes', shape: [] },
    { name: 'label', kind: 'int64', shape: [] },
  ],
};

interface GoldenRow {
  id: bigint;
  big: bigint;
  x: number;
  d: number;
  name: string;
  label: bigint;
}

function sourceRows(): GoldenRow[] {
  const lines: Record<string, string>[] = parse(readFileSync(`${GOLDEN}/source.csv`), { columns: true });
  return lines.map(({ id, big, x, d, name, label }) => ({
    id: BigInt(id!),
    big: BigInt(big!),
    x: Math.fround(Number(x)),
    d: Math.fround(Number(d)),
    name: name!,
    label: BigInt(label!),
  }));
}

const byId = (a: { id: unknown }, b: { id: unknown }): number => Number(a.id) - Number(b.id);
const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);

test.each(FOLDERS)('%s reads as batches equal to the CSV', async (folder) => {
  const read: GoldenRow[] = [];
  for await (const batch of readBatches(`${GOLDEN}/${folder}`, { schema, int64: 'bigint', batchSize: 300 })) {
    for (const row of rows(batch)) read.push({ ...row, name: text(row.name) } as unknown as GoldenRow);
  }
  expect(read.sort(byId)).toEqual(sourceRows());
});

test.each(FOLDERS)('%s reads as objects equal to the CSV, without a schema', async (folder) => {
  const read: GoldenRow[] = [];
  for await (const payload of readRecords(`${GOLDEN}/${folder}/part-*`)) {
    const row = decodeExample(payload);
    const int = (value: unknown): bigint => BigInt(value as number | bigint);
    read.push({
      ...(row as unknown as GoldenRow),
      id: int(row.id),
      big: int(row.big),
      label: int(row.label),
      name: text(row.name),
    });
  }
  expect(read.sort(byId)).toEqual(sourceRows());
});

test('the schema is told from the records where none is given', async () => {
  for await (const batch of readBatches(`${GOLDEN}/spark-tfrecord-plain`, { int64: 'bigint' })) {
    expect(Object.keys(batch.columns).sort()).toEqual(['big', 'd', 'id', 'label', 'name', 'x']);
    expect(batch.columns.big).toMatchObject({ layout: 'fixed', shape: [] });
    expect(batch.columns.name).toMatchObject({ layout: 'bytes', shape: [] });
  }
});
