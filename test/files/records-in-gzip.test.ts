import { expect, test } from 'vitest';
import { readFileBlocks } from '../../src/dataset/index.js';
import { gzipMemberWriter, memoryFileSystem } from '../../src/files/index.js';
import { frameRecords, type Loss } from '../../src/records/index.js';
import { noise } from './compression-helpers.js';

const MEMBERS = 5;
const RECORDS = 20;

/** A gzip file of 5 members of 20 records each; record i begins with its number. */
async function gzipOfRecords() {
  const fs = memoryFileSystem();
  const path = '/part.gz';
  const writer = gzipMemberWriter(await fs.create(path));
  for (let member = 0; member < MEMBERS; member++) {
    const records = Array.from({ length: RECORDS }, (_, i) => {
      const record = noise(100 + i, member * RECORDS + i);
      record[0] = member * RECORDS + i;
      return record;
    });
    await writer.write(frameRecords(records));
    await writer.cutMember();
  }
  await writer.close();
  const starts = writer.members.map(({ stored }) => stored);
  return { fs, path, starts: [...starts, writer.storedBytes] };
}

async function damage(file: Awaited<ReturnType<typeof gzipOfRecords>>, at: number): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.fs.read(file.path)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  bytes[at]! ^= 0x55;
  const writer = await file.fs.create(file.path, { overwrite: true });
  await writer.write(bytes);
  await writer.close();
}

async function read(file: Awaited<ReturnType<typeof gzipOfRecords>>) {
  const losses: Loss[] = [];
  const numbers: number[] = [];
  for await (const block of readFileBlocks(file, { policy: 'skip', onLoss: (loss) => losses.push(loss) })) {
    for (let i = 0; i < block.count; i++) numbers.push(block.bytes[block.offsets[i]!]!);
  }
  return { numbers, losses };
}

const numbersOf = (...members: number[]) =>
  members.flatMap((member) => Array.from({ length: RECORDS }, (_, i) => member * RECORDS + i));

test('a damaged member costs its own records at most', async () => {
  for (let member = 0; member < MEMBERS; member++) {
    const file = await gzipOfRecords();
    await damage(file, (file.starts[member]! + file.starts[member + 1]!) >> 1);
    await expect(
      (async () => {
        for await (const _ of readFileBlocks(file));
      })(),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^SHARDFEED_CORRUPT_(STREAM|RECORD)$/),
      path: 'memory:///part.gz',
    });
    const { numbers, losses } = await read(file);
    const others = numbersOf(...[0, 1, 2, 3, 4].filter((other) => other !== member));
    expect(numbers).toEqual(expect.arrayContaining(others));
    expect(losses.length).toBeGreaterThan(0);
    for (const loss of losses) expect(loss.path).toBe('memory:///part.gz');
  }
});

test('a wrong checksum over whole content loses no record, and is reported', async () => {
  const file = await gzipOfRecords();
  await damage(file, file.starts[2]! - 8);
  const { numbers, losses } = await read(file);
  expect(numbers).toEqual(numbersOf(0, 1, 2, 3, 4));
  expect(losses).toMatchObject([{ reason: 'damaged-stream', count: 0, atLeast: false }]);
});
