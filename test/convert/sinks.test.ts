import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GrowingList } from '../../src/convert/job/growing-list.js';
import { type ClosedPart, PartWriter } from '../../src/convert/job/part-writer.js';
import { permutation, SHUFFLE_BUCKETS, shuffleBucket } from '../../src/convert/job/random.js';
import { exactly, type RecordCount } from '../../src/convert/job/record-count.js';
import { shuffledStream } from '../../src/convert/job/shuffle.js';
import { gatherRanges, RangeSink } from '../../src/convert/job/sinks.js';
import { Spool } from '../../src/convert/job/spool.js';
import { compressWriter, gzipMemberWriter, SpoolRoom } from '../../src/files/index.js';
import { framed, numbered, numberOf, unframed } from './framed.js';

/** Part files in memory, by split and number. */
class Parts {
  readonly files = new Map<string, Uint8Array>();
  readonly open = async (split: number, index: number): Promise<PartWriter> => {
    const name = `${split}/${index}`;
    return new PartWriter(name, { writer: compressWriter(this.writer(name), 'none') });
  };
  writer(name: string): { write(b: Uint8Array): Promise<void>; close(): Promise<void>; abort(): Promise<void> } {
    const pieces: Uint8Array[] = [];
    return {
      write: async (bytes) => void pieces.push(bytes.slice()),
      close: async () => void this.files.set(name, new Uint8Array(Buffer.concat(pieces))),
      abort: async () => {},
    };
  }
  numbers(split: number): number[][] {
    const parts: number[][] = [];
    for (let i = 0; this.files.has(`${split}/${i}`); i++)
      parts.push(unframed(this.files.get(`${split}/${i}`)!).map(numberOf));
    return parts;
  }
}

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shardfeed-test-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('ranges keep the order, differ by one record at most, and exist even when empty', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(60),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 17 }),
      async (records, count, step) => {
        const parts = new Parts();
        const sink = new RangeSink(parts.open, [{ parts: count, records: exactly(records) }]);
        const list = numbered(records);
        for (let i = 0; i < records; i += step) await sink.add({ target: 0, ...framed(list.slice(i, i + step)) });
        const [summaries] = await sink.finish();
        const numbers = parts.numbers(0);
        expect(numbers.length).toBe(count);
        expect(numbers.flat()).toEqual(list.map((_, i) => i));
        const sizes = numbers.map((n) => n.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(summaries!.map((s) => s.records)).toEqual(sizes);
      },
    ),
    { numRuns: 200 },
  );
});

test('ranges are written as far as their ends are known while the records are counted', async () => {
  const counted = new GrowingList<number>();
  const count: RecordCount = {
    get atLeast() {
      return counted.items.length;
    },
    get exact() {
      return counted.complete;
    },
    grown: () => counted.grown(),
  };
  const countTo = (n: number): void => {
    while (counted.items.length < n) counted.push(0);
  };
  const parts = new Parts();
  const sink = new RangeSink(parts.open, [{ parts: 4, records: count }]);
  const list = numbered(100);
  const added: number[] = [];
  const adding = (async () => {
    for (let i = 0; i < 100; i += 5) {
      await sink.add({ target: 0, ...framed(list.slice(i, i + 5)) });
      added.push(i);
    }
  })();
  const written = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return 5 * added.length;
  };
  expect(await written()).toBe(0);
  countTo(40);
  expect(await written()).toBe(10);
  countTo(79);
  expect(await written()).toBe(15);
  countTo(100);
  expect(await written()).toBe(25); // the end of the first part, should there be no more
  counted.end();
  await adding;
  expect((await sink.finish())[0]!.map((part) => part.records)).toEqual([25, 25, 25, 25]);
  expect(parts.numbers(0).flat()).toEqual(list.map((_, i) => i));
});

test('a count that fails ends the writing of ranges', async () => {
  const counted = new GrowingList<number>();
  const records = { atLeast: 1, exact: false, grown: () => counted.grown() };
  const adding = new RangeSink(new Parts().open, [{ parts: 2, records }]).add({ target: 0, ...framed(numbered(5)) });
  counted.fail(new Error('unreadable'));
  await expect(adding).rejects.toThrow('unreadable');
});

test('ranges by bytes end at the record that fills them, however the input is cut', async () => {
  const list = numbered(200, 60);
  const expected: number[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  list.forEach((payload, i) => {
    if (bytes >= 500) {
      expected.push([]);
      bytes = 0;
    }
    expected.at(-1)!.push(i);
    bytes += payload.length + 16;
  });
  for (const step of [1, 3, 200]) {
    const parts = new Parts();
    const sink = new RangeSink(parts.open, [{ bytes: 500 }]);
    for (let i = 0; i < list.length; i += step) await sink.add({ target: 0, ...framed(list.slice(i, i + step)) });
    await sink.finish();
    expect(parts.numbers(0)).toEqual(expected);
  }
});

test('the spool gives each bucket back in order and leaves no file behind', async () => {
  const spool = await Spool.open(3, new SpoolRoom({ dir }));
  for (let i = 0; i < 300; i++) await spool.add({ target: i % 3, ...framed([new TextEncoder().encode(`${i}`)]) });
  for (let b = 0; b < 3; b++) {
    const numbers: number[] = [];
    for await (const { bytes } of spool.records(b)) {
      expect(Buffer.isBuffer(bytes)).toBe(false); // whose `slice` copies nothing
      numbers.push(...unframed(bytes).map(numberOf));
    }
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => 3 * i + b));
    expect(spool.count(b)).toBe(100);
  }
  expect((await readdir(dir)).length).toBe(1);
  await spool.close();
  expect(await readdir(dir)).toEqual([]);
});

async function shuffle(count: number, seed: number): Promise<number[]> {
  const parts = new Parts();
  const room = new SpoolRoom({ dir });
  const spool = await Spool.open(SHUFFLE_BUCKETS, room);
  const list = numbered(count);
  for (let i = 0; i < count; i++) await spool.add({ target: shuffleBucket(seed, i), ...framed([list[i]!]) });
  await gatherRanges(shuffledStream(spool, 0, { seed, room }), parts.open, 0, { parts: 3, records: exactly(count) });
  await spool.close();
  return parts.numbers(0).flat();
}

test('a global shuffle is a permutation that depends on the seed alone', async () => {
  const a = await shuffle(1000, 7);
  expect([...a].sort((x, y) => x - y)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(await shuffle(1000, 7)).toEqual(a);
  expect(await shuffle(1000, 8)).not.toEqual(a);
});

test('a global shuffle puts every record everywhere equally often', async () => {
  const count = 8;
  const seeds = 160;
  const at = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (let seed = 0; seed < seeds; seed++)
    (await shuffle(count, seed)).forEach((record, place) => {
      at[record]![place]!++;
    });
  const expected = seeds / count;
  const chi2 = at.flat().reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  expect(chi2).toBeLessThan(85.4); // 49 degrees of freedom, p = 0.001
});

test('permutations are uniform', () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const key = permutation(3, seed, 1).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  expect(chi2).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
});

test('gzip members begin at records, wherever runs are cut', async () => {
  const list = numbered(300, 40);
  const stored: Uint8Array[] = [];
  for (const step of [1, 7, 300]) {
    const parts = new Parts();
    let members: ClosedPart['members'] = [];
    const writer = new PartWriter(
      'p',
      { writer: gzipMemberWriter(parts.writer('p')), memberBytes: 1000 },
      async (part) => {
        members = part.members;
      },
    );
    for (let i = 0; i < list.length; i += step) {
      const { bytes, meta } = framed(list.slice(i, i + step));
      await writer.append(bytes, meta);
    }
    const summary = await writer.close();
    const file = parts.files.get('p')!;
    stored.push(file);
    expect(summary.bytes).toBe(file.length);
    expect(members.length).toBeGreaterThan(5);
    members.forEach((member, k) => {
      const end = members[k + 1]?.stored ?? file.length;
      const payloads = unframed(gunzipSync(file.subarray(member.stored, end)));
      expect(payloads.length).toBeGreaterThan(0);
    });
    expect(unframed(gunzipSync(file)).map(numberOf)).toEqual(list.map((_, i) => i));
  }
  expect(Buffer.from(stored[0]!).equals(stored[1]!)).toBe(true);
  expect(Buffer.from(stored[0]!).equals(stored[2]!)).toBe(true);
});
