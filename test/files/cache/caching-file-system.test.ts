import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShardfeedError } from '../../../src/errors.js';
import { fileSystemConformance } from '../../../src/files/conformance.js';
import {
  type CacheOptions,
  cachingFileSystem,
  cachingFiles,
  type FileSystem,
  memoryFileSystem,
  openFiles,
} from '../../../src/files/index.js';
import { readFile, writeFile } from '../../dataset/dataset-builders.js';
import { countingFileSystem } from '../../support/counting-file-system.js';
import { scratchFolder } from '../scratch.js';
import { settled } from './settled.js';

const scratch = await scratchFolder();
let folders = 0;
const newFolder = () => join(scratch, `cache-${folders++}`);

function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 24) ^ i);
}

/** A file of so many bytes behind a cache. */
async function cached(bytes: number, options: Partial<CacheOptions> = {}) {
  const origin = memoryFileSystem();
  const content = pattern(bytes);
  await writeFile(origin, '/file', content);
  const { fs: counting, counts } = countingFileSystem(settled(origin, 'far'));
  const open = () => cachingFileSystem(counting, { bytes: 1 << 30, pageBytes: 10, ...options });
  return { origin, content, counts, open, fs: open() };
}

describe.each(['memory', 'folder'])('in %s', (kind) => {
  const place = () => (kind === 'folder' ? { folder: newFolder() } : {});
  const fs = cachingFileSystem(settled(memoryFileSystem()), { bytes: 1 << 22, pageBytes: 1 << 16, ...place() });
  for (const { name, run } of fileSystemConformance({ open: () => ({ fs, root: '/conformance' }) })) test(name, run);

  test('any reads give what the file holds, whatever is kept', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 400 }),
        fc.array(fc.record({ start: fc.nat(320), length: fc.nat(320), reader: fc.boolean(), together: fc.boolean() }), {
          maxLength: 20,
        }),
        async (size, pageBytes, bytes, reads) => {
          const { fs, content, counts } = await cached(size, { pageBytes, bytes, ...place() });
          const shared = await fs.openReader!('/file');
          let under: Promise<void>[] = [];
          for (const { start, length, reader, together } of reads) {
            const check = async (): Promise<void> => {
              const into = new Uint8Array(length);
              const got = reader
                ? into.subarray(0, await shared.read(into, start))
                : await wholeOf(fs, start, start + length);
              expect(Buffer.from(got).equals(content.subarray(start, start + length))).toBe(true);
            };
            under.push(check());
            if (!together) {
              await Promise.all(under);
              under = [];
            }
          }
          await Promise.all(under);
          await shared.close();
          expect(counts.open).toBe(0);
        },
      ),
      { numRuns: kind === 'folder' ? 40 : 200 },
    );
  });

  test('what was read is not asked for again, in ranges of several pages', async () => {
    const { fs, content, counts } = await cached(205, place());
    expect(await readFile(fs, '/file')).toEqual(Buffer.from(content));
    expect(counts.reads.map(({ start, bytes }) => [start, bytes])).toEqual([
      [0, 80],
      [80, 80],
      [160, 45],
    ]);
    for (const start of [0, 3, 204])
      expect(await wholeOf(fs, start, 205)).toEqual(Buffer.from(content.subarray(start)));
    expect(counts.reads.length).toBe(3);
  });

  test('of what is kept, the least recently used goes first', async () => {
    const { fs, counts } = await cached(100, { bytes: kind === 'folder' ? 3 * 14 : 3 * 10, ...place() });
    const pages = async (...numbers: number[]): Promise<number> => {
      const before = counts.reads.length;
      for (const page of numbers) await wholeOf(fs, page * 10, page * 10 + 10);
      return counts.reads.length - before;
    };
    expect(await pages(0, 1, 2)).toBe(3);
    expect(await pages(0, 1, 2)).toBe(0);
    expect(await pages(0, 3)).toBe(1); // 1 goes
    expect(await pages(0, 2, 3)).toBe(0);
    expect(await pages(1)).toBe(1);
  });

  test('a file that changed is another file', async () => {
    const { fs, origin, counts } = await cached(50, place());
    await readFile(fs, '/file');
    const newer = pattern(50, 99);
    await writeFile(origin, '/file', newer);
    expect(await readFile(fs, '/file')).toEqual(Buffer.from(newer));
    expect(counts.reads.length).toBe(2);
  });
});

async function wholeOf(fs: FileSystem, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of fs.read('/file', { start, end })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('fetching', () => {
  /** A file system whose reads wait for `go`. */
  async function gated() {
    const { origin, content } = await cached(200);
    const { fs: counting, counts } = countingFileSystem(settled(origin, 'far'));
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const read: FileSystem['read'] = async function* (path, options) {
      for await (const chunk of counting.read(path, options)) {
        await Promise.race([gate, new Promise((_, reject) => options?.signal?.addEventListener('abort', reject))]);
        yield chunk;
      }
    };
    const slow = new Proxy(counting, { get: (target, name) => (name === 'read' ? read : Reflect.get(target, name)) });
    return { fs: cachingFileSystem(slow, { bytes: 1000, pageBytes: 10 }), counts, content, go, origin };
  }

  test('is shared by all who want the same at once', async () => {
    const { fs, counts, content, go } = await gated();
    const reads = [0, 0, 30].map((start) => wholeOf(fs, start, 80));
    while (counts.open === 0) await sleep(1);
    go();
    expect(await Promise.all(reads)).toEqual([0, 0, 30].map((start) => Buffer.from(content.subarray(start, 80))));
    expect(counts.bytes).toBe(80);
  });

  test('ends when the last of them gives up, not before', async () => {
    const { fs, counts, content, go } = await gated();
    const controllers = [new AbortController(), new AbortController()];
    const all = controllers.map(async ({ signal }) => {
      for await (const _ of fs.read('/file', { signal, end: 80 }));
    });
    while (counts.open === 0) await sleep(1);
    const third = wholeOf(fs, 0, 80);
    await sleep(1);
    controllers[0]!.abort();
    await expect(all[0]).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    expect(counts.open).toBe(1);
    go();
    await all[1];
    expect(await third).toEqual(Buffer.from(content.subarray(0, 80)));

    const lonely = await gated();
    const controller = new AbortController();
    const aborted = expect(
      (async () => {
        for await (const _ of lonely.fs.read('/file', { signal: controller.signal }));
      })(),
    ).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    while (lonely.counts.open === 0) await sleep(1);
    controller.abort();
    await aborted;
    while (lonely.counts.open > 0) await sleep(1);
    lonely.go();
    expect(await readFile(lonely.fs, '/file')).toEqual(Buffer.from(lonely.content)); // it can be read again
  });

  test('that failed can be tried again', async () => {
    const { fs: sound, content } = await cached(200);
    let failures = 2;
    const read: FileSystem['read'] = (path, options) => {
      if (options!.start! >= 80 && failures-- > 0) throw new ShardfeedError('SHARDFEED_IO', 'broken off', { path });
      return sound.read(path, options);
    };
    const flaky = new Proxy(sound, { get: (target, name) => (name === 'read' ? read : Reflect.get(target, name)) });
    const reader = await cachingFileSystem(flaky, { bytes: 1000, pageBytes: 10 }).openReader!('/file');
    const into = new Uint8Array(200);
    for (let i = 0; i < 2; i++) await expect(reader.read(into, 0)).rejects.toMatchObject({ code: 'SHARDFEED_IO' });
    expect(await reader.read(into, 0)).toBe(200);
    expect(Buffer.from(into)).toEqual(Buffer.from(content));
    await reader.close();
  });

  test('who stops reading leaves nothing open', async () => {
    const { fs, counts } = await cached(1000);
    for await (const _ of fs.read('/file')) break;
    expect(counts.open).toBe(0);
    const reader = await fs.openReader!('/file');
    await reader.read(new Uint8Array(5), 7);
    await reader.close();
    await reader.close();
    expect(counts.open).toBe(0);
  });

  test('a file that changes meanwhile is told, or read anew where nothing was handed on', async () => {
    const { fs, origin, counts, go } = await gated();
    const reader = await fs.openReader!('/file');
    const reads = [readFile(fs, '/file'), reader.read(new Uint8Array(80), 0)];
    while (counts.open === 0) await sleep(1);
    await writeFile(origin, '/file', pattern(200, 5));
    go();
    await expect(reads[1]).rejects.toMatchObject({ code: 'SHARDFEED_CHANGED', path: 'memory://far/file' });
    expect(await reads[0]).toEqual(Buffer.from(pattern(200, 5)));
    const half = fs.read('/file')[Symbol.asyncIterator]();
    await half.next();
    await writeFile(origin, '/file', pattern(200, 6));
    const rest = async (): Promise<void> => {
      while ((await half.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'SHARDFEED_CHANGED', path: 'memory://far/file' });
  });
});

test('a file that was just written is not kept, as it could change again unseen', async () => {
  const { fs: counting, counts } = countingFileSystem(memoryFileSystem());
  const fs = cachingFileSystem(counting, { bytes: 1000 });
  await writeFile(fs, '/file', pattern(10));
  for (let i = 0; i < 2; i++) await readFile(fs, '/file');
  expect(counts.reads.length).toBe(2);
});

test('a chunk belongs to the caller, and is no window into what is kept', async () => {
  const { fs, content } = await cached(20);
  for await (const chunk of fs.read('/file')) chunk.fill(0);
  expect(await readFile(fs, '/file')).toEqual(Buffer.from(content));
});

describe('a folder', () => {
  test('keeps its pages for the next process, of file systems that say who they are', async () => {
    const folder = newFolder();
    const { open, counts } = await cached(100, { folder });
    await readFile(open(), '/file');
    counts.reset();
    await readFile(open(), '/file');
    expect(counts.reads).toEqual([]);
    const nameless = settled(memoryFileSystem());
    await writeFile(nameless, '/file', pattern(100));
    for (let i = 0; i < 2; i++) {
      const { fs, counts } = countingFileSystem(nameless);
      await readFile(cachingFileSystem(fs, { bytes: 1000, folder, pageBytes: 10 }), '/file');
      expect(counts.reads.length).toBe(2);
    }
  });

  test('holds no more than its bytes, also what another left', async () => {
    const folder = newFolder();
    const size = async (): Promise<number> => {
      const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
      return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
    };
    const { open } = await cached(1000, { folder });
    await readFile(open(), '/file');
    expect(await size()).toBe(100 * 14);
    const small = await cached(30, { folder, bytes: 500 });
    await readFile(small.fs, '/file');
    expect(await size()).toBeLessThanOrEqual(500);
    expect(await size()).toBeGreaterThan(400);
  });
});

test('all file systems of a Files share one cache', async () => {
  const [one, two] = [await cached(100), await cached(100)];
  const { fs: counting, counts } = countingFileSystem(settled(two.origin, 'b'));
  const files = cachingFiles(openFiles({ drivers: { one: settled(one.origin, 'a'), two: counting } }), {
    bytes: 120,
    pageBytes: 10,
  });
  expect(files.resolve('one://a/file').fs).toBe(files.resolve('one://a/other').fs);
  const [found] = await files.expand('two://b/fil*');
  const { fs, size } = found!;
  expect(size).toBe(100);
  await readFile(fs, '/file');
  await readFile(files.resolve('one://a/file').fs, '/file');
  counts.reset();
  await readFile(fs, '/file');
  expect(counts.bytes).toBe(100); // it had to make room
});

test.each([{ bytes: -1 }, { bytes: Number.NaN }, { bytes: 1, pageBytes: 0 }])('refuses %j', (options) => {
  const open = () => cachingFileSystem(memoryFileSystem(), options);
  expect(open).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
});
