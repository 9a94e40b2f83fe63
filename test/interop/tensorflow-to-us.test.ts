import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBatches, readRecords } from '../../src/dataset/index.js';
import { decodeExample, decodeSequenceExample, type Schema } from '../../src/records/index.js';
import { canonicalBatch, canonicalRow, plainObject, schemaOf } from './canonical.js';
import {
  type CanonicalExample,
  type CanonicalSequence,
  readJson,
  tensorflowWrites,
  type Written,
} from './tensorflow.js';

const COMPRESSIONS = ['plain', 'gzip', 'zlib'];
const TABLE: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'big', kind: 'int64', shape: [] },
    { name: 'x', kind: 'float', shape: [] },
    { name: 'pair', kind: 'float', shape: [2] },
    { name: 'name', kind: 'bytes', shape: [] },
    { name: 'tags', kind: 'bytes', shape: 'ragged' },
    { name: 'history', kind: 'int64', shape: 'ragged' },
  ],
};

describe('what TensorFlow writes', () => {
  let folder: string;
  let written: Written[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shardfeed-interop-'));
    written = await tensorflowWrites(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const payloadsOf = async (path: string): Promise<Uint8Array[]> => {
    const payloads: Uint8Array[] = [];
    for await (const payload of readRecords(join(folder, path))) payloads.push(payload);
    return payloads;
  };
  const filesOf = (group: string): Written[] => {
    const files = written.filter((file) => file.group === group);
    expect(files.map((file) => file.compression)).toEqual(COMPRESSIONS);
    return files;
  };

  it.each(['edges', 'random', 'table', 'none'])('decodes to the same values: %s', async (group) => {
    const expected = (await readJson(join(folder, `${group}.json`))) as CanonicalExample[];
    for (const { path } of filesOf(group)) {
      const payloads = await payloadsOf(path);
      expect(payloads.length).toBe(expected.length);
      payloads.forEach((payload, i) => {
        expect(decodeExample(payload)).toEqual(plainObject(expected[i]!));
        const schema = schemaOf(expected[i]!);
        if (schema.features.length === 0) return;
        const known = Object.fromEntries(Object.entries(expected[i]!).filter(([, [kind]]) => kind !== 'none'));
        expect(canonicalRow(schema, decodeExample(payload, schema))).toEqual(known);
      });
    }
  });

  it('becomes the same columns', async () => {
    const expected = (await readJson(join(folder, 'table.json'))) as CanonicalExample[];
    for (const { path } of filesOf('table')) {
      const found: CanonicalExample[] = [];
      for await (const batch of readBatches(join(folder, path), { schema: TABLE, int64: 'bigint', batchSize: 1000 })) {
        found.push(...canonicalBatch(TABLE, batch));
      }
      expect(found).toEqual(expected);
    }
  });

  it('decodes to the same SequenceExamples', async () => {
    const expected = (await readJson(join(folder, 'sequences.json'))) as CanonicalSequence[];
    for (const { path } of filesOf('sequences')) {
      const payloads = await payloadsOf(path);
      expect(payloads.length).toBe(expected.length);
      payloads.forEach((payload, i) => {
        const { context, lists } = expected[i]!;
        const plainLists = Object.entries(lists).map(([name, steps]) => [
          name,
          steps.map((step) => plainObject({ step }).step),
        ]);
        expect(decodeSequenceExample(payload)).toEqual({
          context: plainObject(context),
          featureLists: Object.fromEntries(plainLists),
        });
      });
    }
  });
});
