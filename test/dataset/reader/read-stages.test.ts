import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readStages } from '../../../src/dataset/reader/index.js';
import { localFileSystem, memoryFileSystem } from '../../../src/files/index.js';
import {
  type Batch,
  type CorruptionPolicy,
  decodeColumns,
  encodeExample,
  type Loss,
  LossLedger,
} from '../../../src/records/index.js';
import { exampleSchema, examples, failure, startsOf, writeFile } from '../dataset-builders.js';
import { idsOf, objectsOf, readAll, stageOf, type TestParts, writeParts } from './stage-builders.js';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'shardfeed-read-stages-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let made = 0;
const folder = (): string => join(root, `d${made++}`);

const drivers = { local: localFileSystem, memory: memoryFileSystem };
const pairs = (part: number, from: number, to: number): [number, number][] =>
  Array.from({ length: to - from }, (_, i) => [part, from + i]);

describe.each(Object.entries(drivers))('stages of %s files', (_, open) => {
  const fs = open();

  test('give exactly the rows that they name, whatever their order, parts, prefetching and sizes', async () => {
    const payloads = [examples(0, 700), [], examples(700, 701), examples(701, 1300)];
    const data = await writeParts(fs, folder(), payloads);
    const names = payloads.flatMap((part, p) => pairs(p, 0, part.length));
    const row = fc.integer({ min: 0, max: names.length - 1 });
    const stages = fc.array(fc.tuple(fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 4 })), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(stages, fc.constantFrom(0, 1000, 1 << 20), async (wanted, prefetchBytes) => {
        let step = 0;
        const made = wanted.map(([rows, steps]) => {
          const cut = rows.slice(0, Math.floor(rows.length / steps) * steps);
          const stage = stageOf(
            cut.map((i) => names[i]!),
            cut.length / steps,
            step,
          );
          if (cut.length > 0) step += steps;
          return cut.length > 0 ? stage : { ...stage, steps: 0 };
        });
        const batches = await readAll(data, made, { prefetchBytes });
        const expected = made.flatMap(({ rows, runs }) => {
          const records = runs.flatMap(({ part, first, count }) => payloads[part]!.slice(first, first + count));
          return objectsOf([
            decodeColumns(
              Array.from(rows, (i) => records[i]!),
              exampleSchema,
            ),
          ]);
        });
        expect(objectsOf(batches)).toEqual(expected);
      }),
      { numRuns: 40, seed: 5 },
    );
  });

  test('padding keeps mask 0 and the values of the record that it names', async () => {
    const data = await writeParts(fs, folder(), [examples(0, 5)]);
    const [batch] = await readAll(data, [stageOf([[0, 3], [0, 4], null])]);
    expect(idsOf(batch!)).toEqual([3, 4, -1]);
    expect(objectsOf([batch!])[2]).toMatchObject({ id: 3 });
  });

  test('a rank without rows gets empty batches', async () => {
    const data = await writeParts(fs, folder(), [examples(0, 5)]);
    const none = { rows: new Uint32Array(0), mask: new Uint8Array(0), runs: [] };
    const batches = await readAll(data, [{ firstStep: 0, steps: 2, rowsPerStep: 0, ...none }]);
    expect(batches.map(({ size }) => size)).toEqual([0, 0]);
  });

  test('records of 0 bytes, and one larger than all that is read at once', async () => {
    const large = encodeExample({ id: 7, word: 'x'.repeat(9 << 20) }, exampleSchema);
    const schema = { features: exampleSchema.features.map((feature) => ({ ...feature, default: 0 })) };
    const features = schema.features.map((feature) =>
      feature.kind === 'bytes' ? { ...feature, default: '-' } : feature,
    );
    const data = await writeParts(fs, folder(), [[new Uint8Array(0), large, new Uint8Array(0), ...examples(8, 9)]]);
    const stage = stageOf(
      [
        [0, 3],
        [0, 1],
        [0, 0],
        [0, 2],
      ],
      2,
    );
    const batches = await readAll(data, [stage, { ...stage, firstStep: 2 }], {
      schema: { features },
      prefetchBytes: 1 << 20,
    });
    expect(batches.map(idsOf)).toEqual([
      [8, 7],
      [0, 0],
      [8, 7],
      [0, 0],
    ]);
    const [first] = objectsOf([batches[2]!]).slice(1) as { word: Uint8Array }[];
    expect(first!.word.length).toBe(9 << 20);
  });

  test('only the columns asked for, int64 as wanted', async () => {
    const data = await writeParts(fs, folder(), [examples(0, 5)]);
    const [batch] = await readAll(data, [stageOf(pairs(0, 0, 5))], { columns: ['id'], int64: 'bigint' });
    expect(Object.keys(batch!.columns)).toEqual(['id']);
    expect(batch!.columns.id).toMatchObject({ values: BigInt64Array.from([0n, 1n, 2n, 3n, 4n]) });
  });

  test('a small part that is wanted whole needs no index', async () => {
    const data = await writeParts(fs, folder(), [examples(0, 50), examples(50, 90)]);
    const batches = await readAll(data, [stageOf([...pairs(0, 0, 50), ...pairs(1, 0, 40)], 45)]);
    expect(batches.flatMap(idsOf)).toEqual(Array.from({ length: 90 }, (_, i) => i));
    expect(data.places.asked).toEqual([]);
  });
});

describe('corrupt records', () => {
  const fs = localFileSystem();
  const payloads = examples(0, 100);
  const starts = startsOf(payloads);
  const flip =
    (...at: number[]) =>
    (bytes: Uint8Array): Uint8Array => {
      for (const i of at) bytes[i]! ^= 0x55;
      return bytes;
    };

  async function read(
    data: TestParts,
    wanted: Parameters<typeof stageOf>[0],
    policy: CorruptionPolicy,
    rowsPerStep = wanted.length,
  ): Promise<{ batches: Batch[]; losses: Loss[] }> {
    const losses: Loss[] = [];
    const ledger = new LossLedger(policy, (loss) => losses.push(loss));
    const batches = await readAll(data, [stageOf(wanted, rowsPerStep)], { ledger });
    return { batches, losses };
  }

  test('are lost each by itself: mask 0, and told once', async () => {
    // A payload, a header's length, a header's CRC (the record is there all the same), and two in a row.
    const damage = flip(starts[3]! + 14, starts[10]! + 1, starts[20]! + 9, starts[30]! + 14, starts[31]! + 2);
    const data = await writeParts(fs, folder(), [payloads], damage);
    const order = pairs(0, 0, 50).reverse();
    const { batches, losses } = await read(data, order, 'skip', 10);
    const lost = [3, 10, 30, 31];
    expect(batches.flatMap(idsOf)).toEqual(order.map(([, i]) => (lost.includes(i) ? -1 : i)));
    const path = data.parts[0]!.path;
    const bad = (record: number, reason: string) => {
      return { path, record, reason, count: 1, offset: starts[record], end: starts[record + 1], atLeast: false };
    };
    expect(losses).toEqual([
      bad(31, 'header-checksum'),
      bad(30, 'payload-checksum'),
      { ...bad(20, 'header-checksum'), count: 0, end: starts[20]! + 12 },
      bad(10, 'header-checksum'),
      bad(3, 'payload-checksum'),
    ]);
  });

  test('that only pad, or are read but no row of ours, are neither told nor errors', async () => {
    const data = await writeParts(fs, folder(), [payloads], flip(starts[0]! + 14));
    const stage = stageOf([
      [0, 1],
      [0, 0],
    ]);
    const padded = { ...stage, mask: Uint8Array.of(1, 0) };
    expect((await readAll(data, [padded])).map(idsOf)).toEqual([[1, -1]]);
    const other = { ...stage, rows: Uint32Array.of(1, 1), mask: Uint8Array.of(1, 0) };
    expect((await readAll(data, [other])).map(idsOf)).toEqual([[1, -1]]);
  });

  test('a strict reader delivers what comes before and then throws', async () => {
    const data = await writeParts(fs, folder(), [payloads], flip(starts[25]! + 14));
    const seen: number[] = [];
    const stages = [stageOf(pairs(0, 0, 20), 10), stageOf(pairs(0, 20, 40), 5, 2)];
    const read = async (): Promise<void> => {
      const options = { schema: exampleSchema, ledger: new LossLedger('error') };
      for await (const { step } of readStages(data.parts, data.places, stages, options)) seen.push(step);
    };
    const error = await failure(read(), 'SHARDFEED_CORRUPT_RECORD');
    expect(error).toMatchObject({ path: data.parts[0]!.path, record: 25, offset: starts[25] });
    expect(seen).toEqual([0, 1, 2]);
  });

  test('a record that is no Example is lost as well', async () => {
    const bad = [...payloads.slice(0, 5), Uint8Array.of(0xff, 0xff), ...payloads.slice(6)];
    const data = await writeParts(fs, folder(), [bad]);
    const { batches, losses } = await read(data, [[0, 4], [0, 5], [0, 6], null], 'skip');
    expect(batches.map(idsOf)).toEqual([[4, -1, 6, -1]]);
    const at = startsOf(bad);
    expect(losses).toMatchObject([{ reason: 'malformed-example', record: 5, offset: at[5], end: at[6], count: 1 }]);
    await failure(read(data, [[0, 5]], 'error'), 'SHARDFEED_MALFORMED_EXAMPLE');
  });

  test('quarantine gets the bytes that were lost', async () => {
    const data = await writeParts(fs, folder(), [payloads], flip(starts[3]! + 14));
    const got: [number, number][] = [];
    const quarantine = (bytes: Uint8Array, offset: number): void => void got.push([offset, bytes.length]);
    await read(data, pairs(0, 0, 10), { quarantine });
    expect(got).toEqual([[starts[3]!, starts[4]! - starts[3]!]]);
    await failure(read(data, pairs(0, 0, 10), { skip: 0 }), 'SHARDFEED_BUDGET');
  });

  test('a file that was cut before it was opened loses what is missing', async () => {
    const data = await writeParts(fs, folder(), [payloads], (bytes) => bytes.subarray(0, starts[90]! + 5));
    const { batches, losses } = await read(data, pairs(0, 85, 100), 'skip');
    expect(idsOf(batches[0]!)).toEqual([85, 86, 87, 88, 89, ...new Array<number>(10).fill(-1)]);
    expect(losses.map(({ reason, record }) => [reason, record])).toEqual(
      Array.from({ length: 10 }, (_, i) => ['truncated', 90 + i]),
    );
    await failure(read(data, pairs(0, 85, 100), 'error'), 'SHARDFEED_TRUNCATED');
  });

  test('a file that changed since it was opened is an error that names it, under any policy', async () => {
    const data = await writeParts(fs, folder(), [payloads]);
    await writeFile(fs, data.parts[0]!.path, new Uint8Array(10));
    const error = await failure(read(data, pairs(0, 0, 10), 'skip'), 'SHARDFEED_CHANGED');
    expect(error.path).toBe(data.parts[0]!.path);
    await fs.delete(data.parts[0]!.path);
    await failure(read(data, pairs(0, 0, 10), 'skip'), 'SHARDFEED_NOT_FOUND');
  });

  test('an index of other bytes is an error', async () => {
    const data = await writeParts(fs, folder(), [payloads]);
    const other = await writeParts(fs, folder(), [examples(3, 103)]);
    await failure(read({ ...data, places: other.places }, pairs(0, 10, 20), 'skip'), 'SHARDFEED_STALE');
  });
});

describe('what is left behind', () => {
  test('nothing after a break or an abort', async () => {
    const inner = localFileSystem();
    let open = 0;
    const fs = new Proxy(inner, {
      get(target, key) {
        if (key !== 'openReader') {
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return async (path: string) => {
          const reader = await inner.openReader!(path);
          open++;
          let closed = false;
          const close = async (): Promise<void> => {
            if (!closed) open--;
            closed = true;
            await reader.close();
          };
          return { read: reader.read.bind(reader), close };
        };
      },
    });
    const data = await writeParts(fs, folder(), [examples(0, 500), examples(500, 900)]);
    const stages = [...Array(40).keys()].map((i) =>
      stageOf([...pairs(0, 10 * i, 10 * i + 10), ...pairs(1, 10 * i, 10 * i + 10)], 5, 4 * i),
    );
    const options = { schema: exampleSchema, ledger: new LossLedger('error') };
    for await (const { step } of readStages(data.parts, data.places, stages, options)) if (step === 7) break;
    expect(open).toBe(0);
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      const aborted = { ...options, signal: controller.signal };
      for await (const { step } of readStages(data.parts, data.places, stages, aborted)) {
        expect(open).toBeGreaterThan(0);
        if (step === 5) controller.abort();
      }
    };
    await failure(read(), 'SHARDFEED_ABORTED');
    expect(open).toBe(0);
  });

  test('two iterations at once do not disturb each other', async () => {
    const data = await writeParts(localFileSystem(), folder(), [examples(0, 500)]);
    const stages = (from: number) =>
      [...Array(20).keys()].map((i) => stageOf(pairs(0, from + 10 * i, from + 10 * i + 10), 5, 2 * i));
    const [a, b] = await Promise.all([readAll(data, stages(0)), readAll(data, stages(300))]);
    expect(a.flatMap(idsOf)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(b.flatMap(idsOf)).toEqual(Array.from({ length: 200 }, (_, i) => 300 + i));
  });
});
