import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { HdfsOptions } from '../../src/hdfs/index.js';
import type { FakeAnswer, FakeRequest } from './fake-server.js';
import { fileOnTwo, patterned } from './file-on-two.js';

const MIB = 1 << 20;
/** A server that this machine keeps waiting is not asked again. */
const PATIENT: HdfsOptions = { timeouts: { connect: 30_000, idle: 30_000, operation: 60_000 } };

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test.each<[name: string, spoil: (right: { bytes: Uint8Array }) => FakeAnswer]>([
  ['breaks off', ({ bytes }) => ({ bytes, cutAfter: 70_000 })],
  ['ends early, as it says', ({ bytes }) => ({ bytes: bytes.subarray(0, 70_000) })],
  ['falls silent', ({ bytes }) => ({ bytes: bytes.subarray(0, 70_000), declare: bytes.length })],
  ['cannot read the block', () => ({ exception: 'BlockMissingException', message: 'Could not obtain block' })],
  ['answers 500', () => ({ status: 500 })],
  ['resets', () => 'reset'],
])('a data node that %s is left for another replica', async (_, spoil) => {
  const content = patterned(300_000);
  const { fs, nodes, name } = await fileOnTwo(content, (_request, node, right) =>
    node === 0 ? spoil(right as { bytes: Uint8Array }) : right,
  );
  expect((await readAll(fs.read('/x', { start: 1_000 }))).equals(content.subarray(1_000))).toBe(true);
  expect(nodes[1].asked).toHaveLength(1);
  expect(name.asked.filter((one) => one.startsWith('GET_BLOCK'))).toHaveLength(nodes[0].asked.length);
});

test('a read goes on at the byte where it broke', async () => {
  const offsets: string[] = [];
  const content = patterned(300_000);
  const { fs } = await fileOnTwo(content, ({ query }, node, right) => {
    offsets.push(`${node} ${query.get('offset')}+${query.get('length')}`);
    return node === 0 ? { ...(right as { bytes: Uint8Array }), cutAfter: 65_536 } : right;
  });
  expect((await readAll(fs.read('/x'))).equals(content)).toBe(true);
  expect(offsets).toEqual(['0 0+300000', `1 65536+${300_000 - 65_536}`]);
});

test('a block that nobody has is asked for again until patience ends', async () => {
  const { fs, name } = await fileOnTwo(patterned(100), () => 'reset');
  await expect(readAll(fs.read('/x'))).rejects.toMatchObject({
    code: expect.stringMatching(/SHARDFEED_HDFS_(BLOCK_MISSING|UNREACHABLE)/),
    message: expect.stringMatching(/No active nodes contain this block/),
    path: '/x',
  });
  expect(name.asked.length).toBeGreaterThan(5);
});

test('a small file that is replaced while it is read is read again, whole', async () => {
  const { fs, state } = await fileOnTwo(Buffer.from('version 9'), (_request, _node, right) => {
    if (state.content.length === 9) Object.assign(state, { content: Buffer.from('version 10'), status: { fileId: 8 } });
    return right;
  });
  expect((await readAll(fs.read('/x'))).toString()).toBe('version 10');
});

test.each<[name: string, change: Record<string, unknown>, length: number]>([
  ['replaced', { fileId: 8 }, 3 * MIB],
  ['written again', { modificationTime: 2_000 }, 3 * MIB],
  ['truncated', {}, 2 * MIB],
])('a large file that is %s while it is read is an error', async (_, change, length) => {
  const { fs, state } = await fileOnTwo(patterned(3 * MIB), undefined, { reads: { rangeBytes: MIB, parallel: 1 } });
  const reading = async () => {
    let seen = 0;
    for await (const chunk of fs.read('/x')) {
      seen += chunk.length;
      if (seen > MIB) Object.assign(state, { content: state.content.subarray(0, length), status: change });
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'SHARDFEED_CHANGED', path: '/x' });
});

test('ranges in flight come out in order, whichever is first, and no more than asked for', async () => {
  const content = patterned(2 * MIB + 12_345);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(15), { minLength: 1 }),
      fc.integer({ min: 1, max: 4 }),
      async (delays, parallel) => {
        let [flying, most, asked] = [0, 0, 0];
        const serve = async (_request: FakeRequest, _node: number, right: FakeAnswer): Promise<FakeAnswer> => {
          most = Math.max(most, ++flying);
          for (let turns = delays[asked++ % delays.length]!; turns > 0; turns--) await setImmediate();
          flying--;
          return right;
        };
        const { fs } = await fileOnTwo(content, serve, { reads: { rangeBytes: 150_000, parallel }, ...PATIENT });
        const found = await readAll(fs.read('/x', { start: 7, end: content.length - 7 }));
        expect(found.equals(content.subarray(7, content.length - 7))).toBe(true);
        expect(most).toBeLessThanOrEqual(parallel);
      },
    ),
    { numRuns: 10, seed: 7 },
  );
});

test('who takes one chunk and leaves has asked for one range, and leaves no connection', async () => {
  const { fs, nodes } = await fileOnTwo(patterned(20 * MIB));
  for await (const chunk of fs.read('/x')) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect(nodes[0].asked).toHaveLength(1);
  await vi.waitFor(() => expect(nodes[0].sockets.size).toBe(0));
});

test('an abort ends a read that waits, and leaves no connection', async () => {
  const { fs, nodes } = await fileOnTwo(patterned(100), async () => 'nothing' as const, { timeouts: { idle: 60_000 } });
  const controller = new AbortController();
  const reading = readAll(fs.read('/x', { signal: controller.signal }));
  await vi.waitFor(() => expect(nodes[0].asked).toHaveLength(1));
  controller.abort('enough');
  await expect(reading).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED', path: '/x', cause: 'enough' });
  await vi.waitFor(() => expect(nodes[0].sockets.size).toBe(0));
});
