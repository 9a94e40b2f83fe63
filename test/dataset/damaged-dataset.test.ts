import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CatalogPart } from '../../src/dataset/catalog.js';
import { openCatalog } from '../../src/dataset/open-catalog.js';
import { openDataset } from '../../src/dataset/open-dataset.js';
import { PartIndexes } from '../../src/dataset/part-indexes.js';
import { readRecord } from '../../src/dataset/read-record.js';
import { readFileBlocks } from '../../src/dataset/read-records.js';
import { isShardfeedError } from '../../src/errors.js';
import type { FileSystem } from '../../src/files/index.js';
import {
  exampleSchema,
  examples,
  failure,
  memory,
  readFile,
  startsOf,
  writeDataset,
  writeFile,
} from './dataset-builders.js';

/** What reading from start to end delivers of a damaged file, by ordinals. */
async function delivered(fs: FileSystem, path: string): Promise<Map<number, Buffer>> {
  const records = new Map<number, Buffer>();
  for await (const { bytes, count, offsets, lengths, firstRecord } of readFileBlocks(
    { fs, path },
    { policy: 'skip' },
  )) {
    for (let i = 0; i < count; i++) {
      records.set(firstRecord + i, Buffer.from(bytes.slice(offsets[i]!, offsets[i]! + lengths[i]!)));
    }
  }
  return records;
}

async function readOne(part: CatalogPart, indexes: PartIndexes, record: number): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await readRecord(part, await indexes.get(0), record));
  } catch (error) {
    if (isShardfeedError(error, 'SHARDFEED_CORRUPT_RECORD')) return undefined;
    throw error;
  }
}

const damage = fc.record({
  records: fc.integer({ min: 1, max: 60 }),
  kind: fc.constantFrom('plain', 'gzip', 'members'),
  flips: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 4 }),
  keep: fc.oneof(fc.constant(1), fc.double({ min: 0.02, max: 1, noNaN: true })),
});

test('of a damaged foreign file each record is found by its number, or lost', async () => {
  let mapped = 0;
  let found = 0;
  const one = async ({ records, kind, flips, keep }: typeof damage extends fc.Arbitrary<infer T> ? T : never) => {
    const { fs, files } = memory();
    const gzip = kind === 'plain' ? {} : { codec: 'gzip' as const };
    const cut = kind === 'members' ? { memberRecords: 8 } : {};
    await writeDataset(fs, '/d', { parts: [{ name: 'p', payloads: examples(0, records), ...gzip, ...cut }] });
    const whole = await readFile(fs, '/d/p');
    const bytes = whole.slice(0, Math.ceil(keep * whole.length));
    for (const at of flips) bytes[Math.floor(at * bytes.length)]! ^= 0x41;
    await writeFile(fs, '/d/p', bytes);
    const options = { files, schema: exampleSchema };
    const strict = await openCatalog('memory:///d', options).then(
      () => undefined,
      (error: unknown) => error,
    );
    const catalog = await openCatalog('memory:///d', { ...options, policy: 'skip' });
    const indexes = new PartIndexes(catalog, { strict: false });
    const expected = await delivered(fs, '/d/p');
    const offsets = await indexes.get(0);
    expect(catalog.records).toBe(offsets.count);
    expect(offsets.lost === undefined).toBe(strict === undefined);
    for (let i = 0; i < catalog.records; i++) {
      expect(await readOne(catalog.parts[0]!, indexes, i)).toEqual(expected.get(i));
      if (offsets.lost?.has(i)) expect(expected.has(i)).toBe(false);
    }
    for (const i of expected.keys()) expect(i).toBeLessThan(catalog.records);
    if (strict === undefined) return;
    mapped++;
    found += expected.size;
    expect(isShardfeedError(strict)).toBe(true);
    expect(['SHARDFEED_CORRUPT_RECORD', 'SHARDFEED_TRUNCATED', 'SHARDFEED_CORRUPT_STREAM']).toContain(
      (strict as { code: string }).code,
    );
    const again = await openCatalog('memory:///d', { ...options, policy: 'skip' });
    expect(again.fingerprint).toBe(catalog.fingerprint);
  };
  await fc.assert(fc.asyncProperty(damage, one), { numRuns: 150 });
  expect(mapped).toBeGreaterThan(50);
  expect(found).toBeGreaterThan(250);
});

test('damage in an indexed file costs the records that it is in, and opening does not see it', async () => {
  const { fs, files } = memory();
  const payloads = examples(0, 30);
  const starts = startsOf(payloads);
  for (const manifest of [false, { schema: exampleSchema }]) {
    await fs.delete('/d');
    await writeDataset(fs, '/d', { parts: [{ name: 'p', payloads }], index: true, manifest });
    const bytes = await readFile(fs, '/d/p');
    bytes[starts[4]! + 20]! ^= 1; // a payload
    bytes[starts[9]! + 8]! ^= 1; // a header, which its index makes good
    await writeFile(fs, '/d/p', bytes);
    const dataset = await openDataset('memory:///d', { files, schema: exampleSchema });
    expect(dataset.count).toBe(30);
    expect((await dataset.get(5)).id).toBe(5);
    expect((await dataset.get(9)).id).toBe(9);
    const lost = await failure(dataset.get(4), 'SHARDFEED_CORRUPT_RECORD');
    expect(lost).toMatchObject({ path: 'memory:///d/p', record: 4, offset: starts[4]! });
  }
});

test('a part that was cut keeps its ordinals under a policy, where manifest and index tell them', async () => {
  const { fs, files } = memory();
  const payloads = examples(0, 30);
  const starts = startsOf(payloads);
  for (const index of [true, false]) {
    await fs.delete('/d');
    const parts = ['p', 'q'].map((name) => ({ name, payloads }));
    await writeDataset(fs, '/d', { parts, index, manifest: { schema: exampleSchema } });
    await writeFile(fs, '/d/p', (await readFile(fs, '/d/p')).slice(0, starts[20]! + 5));
    await failure(openDataset('memory:///d', { files }), 'SHARDFEED_STALE');
    const dataset = await openDataset('memory:///d', { files, policy: 'skip' });
    expect(dataset.count).toBe(60);
    expect((await dataset.get(19)).id).toBe(19);
    expect((await dataset.get(30)).id).toBe(0);
    for (const ordinal of [20, 29]) {
      const error = await failure(dataset.get(ordinal), index ? 'SHARDFEED_TRUNCATED' : 'SHARDFEED_CORRUPT_RECORD');
      expect(error).toMatchObject({ path: 'memory:///d/p', record: ordinal });
    }
    await fs.delete('/d/q');
    await failure(openDataset('memory:///d', { files, policy: 'skip' }), 'SHARDFEED_STALE');
  }
});
