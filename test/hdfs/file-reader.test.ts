import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { FileReader } from '../../src/files/index.js';
import type { HdfsOptions } from '../../src/hdfs/index.js';
import type { FakeAnswer, FakeRequest } from './fake-server.js';
import { fileOnTwo, patterned } from './file-on-two.js';

const MIB = 1 << 20;

async function open(content: Uint8Array, spoil?: Parameters<typeof fileOnTwo>[1], options: HdfsOptions = {}) {
  const cluster = await fileOnTwo(content, spoil, options);
  return { ...cluster, reader: await cluster.fs.openReader!('/x') };
}

/** Fills as much as there is. */
async function readAt(reader: FileReader, length: number, position: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  let count = -1;
  let at = 0;
  for (; at < length && count !== 0; at += count) count = await reader.read(into.subarray(at), position + at);
  return into.subarray(0, at);
}

async function readAll(reader: FileReader, piece: number): Promise<Buffer> {
  const all: Buffer[] = [];
  for (let at = 0, part: Buffer = Buffer.alloc(1); part.length > 0; at += part.length) {
    part = await readAt(reader, piece, at);
    all.push(part);
  }
  return Buffer.concat(all);
}

test('reads at any positions, many at once, and one after the other', async () => {
  const content = Buffer.from(patterned(3 * MIB + 12_345));
  const { reader } = await open(content, undefined, { reads: { rangeBytes: 300_000 } });
  const place = fc.tuple(fc.nat(content.length + 10), fc.integer({ min: 1, max: MIB }));
  await fc.assert(
    fc.asyncProperty(fc.array(place, { maxLength: 8 }), fc.boolean(), async (places, atOnce) => {
      const check = async ([position, length]: [number, number]): Promise<void> => {
        const found = await readAt(reader, length, position);
        expect(found.equals(content.subarray(position, position + length))).toBe(true);
      };
      if (atOnce) await Promise.all(places.map(check));
      else for (const one of places) await check(one);
    }),
    { numRuns: 25, seed: 11 },
  );
  expect((await readAll(reader, 100_000)).equals(content)).toBe(true);
});

test('a small file takes one request of a data node, its status before and behind', async () => {
  const { reader, name, nodes } = await open(patterned(9_000));
  expect(await readAt(reader, 1_024, 0)).toHaveLength(1_024);
  const into = Buffer.alloc(MIB);
  expect(await reader.read(into, 0)).toBe(9_000);
  expect(into.subarray(0, 9_000).equals(patterned(9_000))).toBe(true);
  expect(await reader.read(into, 9_000)).toBe(0);
  expect(name.asked.map((one) => one.split(' ')[0])).toEqual(['GETFILESTATUS', 'OPEN', 'GETFILESTATUS']);
  expect(nodes[0].asked).toHaveLength(1);
});

test('the name node says once where a block lies, and again when a data node fails', async () => {
  let broken = false;
  const { fs, name, state } = await fileOnTwo(patterned(4 * MIB), (_request, node, right) =>
    broken && node === 0 ? 'reset' : right,
  );
  state.status = { blockSize: 2 * MIB };
  const reader = await fs.openReader!('/x');
  const opened = () => name.asked.filter((one) => one.startsWith('OPEN')).length;
  for (const at of [700_000, 100_000, MIB, 300_000]) {
    const found = await readAt(reader, 80_000, at);
    expect(found.equals(patterned(4 * MIB).subarray(at, at + 80_000))).toBe(true);
  }
  expect(opened()).toBe(1);
  await readAt(reader, 80_000, 3 * MIB);
  expect(opened()).toBe(2);
  broken = true;
  const found = await readAt(reader, 80_000, 200_000);
  expect(found.equals(patterned(4 * MIB).subarray(200_000, 280_000))).toBe(true);
  expect(opened()).toBeGreaterThan(2);
});

test('a data node that the name node named for a small file is asked for others of the folder, until it fails', async () => {
  let broken = false;
  const { fs, name, nodes } = await fileOnTwo(patterned(9_000), (_request, node, right) =>
    broken && node === 0 ? 'reset' : right,
  );
  const asked = async (path: string) => {
    const before = name.asked.length;
    const reader = await fs.openReader!(path);
    expect((await readAt(reader, 9_000, 0)).equals(patterned(9_000))).toBe(true);
    await reader.close();
    return name.asked.slice(before).map((one) => one.split(' ')[0]);
  };
  expect(await asked('/d/a')).toEqual(['GETFILESTATUS', 'OPEN']);
  expect(await asked('/d/b c')).toEqual(['GETFILESTATUS']);
  expect(nodes[0].asked.at(-1)).toContain('/d/b c');
  expect(await asked('/e/a')).toEqual(['GETFILESTATUS', 'OPEN']);
  broken = true;
  expect(await asked('/d/d')).toEqual(['GETFILESTATUS', 'OPEN', 'GET_BLOCK_LOCATIONS', 'OPEN']);
  const before = nodes[0].asked.length;
  expect(await asked('/d/e')).toEqual(['GETFILESTATUS']);
  expect(nodes[0].asked).toHaveLength(before);
  expect(nodes[1].asked.at(-1)).toContain('/d/e');
});

test('large files are asked of the data nodes that have them, whoever serves the folder', async () => {
  const { fs, name } = await fileOnTwo(patterned(100_000));
  for (const path of ['/d/a', '/d/b']) await readAt(await fs.openReader!(path), 100_000, 0);
  expect(name.asked.filter((one) => one.startsWith('OPEN'))).toHaveLength(2);
});

test.each([MIB, 5_000])(
  'a data node that breaks off is left for another, at that byte: pieces of %i',
  async (piece) => {
    const content = patterned(3 * MIB);
    const { reader, nodes } = await open(content, (_request, node, right) =>
      node === 0 ? { ...(right as { bytes: Uint8Array }), cutAfter: 70_000 } : right,
    );
    expect((await readAll(reader, piece)).equals(content)).toBe(true);
    expect(nodes[1].asked.length).toBeGreaterThan(0);
  },
);

test('a reader may be slow; a server may not', async () => {
  const content = patterned(2 * MIB);
  let stalls = 0;
  const serve = (_request: FakeRequest, node: number, right: FakeAnswer): FakeAnswer => {
    if (node === 1) return right;
    stalls++;
    return { bytes: content.subarray(0, 10_000), declare: (right as { bytes: Uint8Array }).bytes.length };
  };
  const { reader, nodes } = await open(content, serve, { timeouts: { idle: 100 } });
  for (const at of [0, MIB]) {
    expect((await readAt(reader, MIB / 2, at)).equals(content.subarray(at, at + MIB / 2))).toBe(true);
    await sleep(250);
  }
  expect(stalls).toBeGreaterThan(0);
  const before = nodes[1].asked.length;
  const on = MIB + MIB / 2;
  expect((await readAt(reader, 100_000, on)).equals(content.subarray(on, on + 100_000))).toBe(true);
  await sleep(1_200);
  expect((await readAt(reader, 100_000, on + 100_000)).equals(content.subarray(on + 100_000, on + 200_000))).toBe(true);
  expect(nodes[1].asked.length).toBeLessThanOrEqual(before + 2);
});

test.each<[name: string, status: Record<string, unknown>, length: number]>([
  ['replaced', { fileId: 8 }, 3 * MIB],
  ['written again', { modificationTime: 2_000 }, 3 * MIB],
  ['truncated', {}, MIB],
])('a file that was %s while it was read is an error at its end', async (_, status, length) => {
  const { reader, state } = await open(patterned(3 * MIB), undefined, { reads: { rangeBytes: MIB, parallel: 1 } });
  await readAt(reader, MIB, 0);
  Object.assign(state, { content: state.content.subarray(0, length), status });
  const reading = async () => {
    for (let at = MIB, count = -1; count !== 0; at += count) count = await reader.read(new Uint8Array(MIB), at);
  };
  await expect(reading()).rejects.toMatchObject({ code: 'SHARDFEED_CHANGED', path: '/x' });
});

test('whoever only reads here and there learns of another file within a second', async () => {
  const { reader, state } = await open(patterned(3 * MIB));
  await readAt(reader, 100_000, MIB);
  state.status = { fileId: 8 };
  await sleep(1_050);
  await expect(readAt(reader, 100_000, 0)).rejects.toMatchObject({ code: 'SHARDFEED_CHANGED', path: '/x' });
});

test('close breaks off what is under way, and leaves no connection', async () => {
  const { reader, nodes } = await open(patterned(3 * MIB), () => 'nothing', { timeouts: { idle: 60_000 } });
  const reading = [reader.read(new Uint8Array(MIB), 0), reader.read(new Uint8Array(MIB), MIB)];
  await vi.waitFor(() => expect(nodes[0].asked).toHaveLength(2));
  await reader.close();
  for (const one of reading) await expect(one).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
  await vi.waitFor(() => expect(nodes[0].sockets.size).toBe(0));
  await reader.close();
  await expect(reader.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'SHARDFEED_IO' });
});

test('its signal breaks reads off too', async () => {
  const { fs, nodes } = await fileOnTwo(patterned(3 * MIB), () => 'nothing', { timeouts: { idle: 60_000 } });
  const controller = new AbortController();
  const reader = await fs.openReader!('/x', { signal: controller.signal });
  const reading = reader.read(new Uint8Array(MIB), 0);
  await vi.waitFor(() => expect(nodes[0].asked).toHaveLength(1));
  controller.abort('enough');
  await expect(reading).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED', path: '/x', cause: 'enough' });
  await vi.waitFor(() => expect(nodes[0].sockets.size).toBe(0));
});

test('missing files and folders', async () => {
  const { fs, state } = await fileOnTwo(patterned(1));
  state.status = { type: 'DIRECTORY' };
  await expect(fs.openReader!('/x')).rejects.toMatchObject({ code: 'SHARDFEED_IO' });
});
