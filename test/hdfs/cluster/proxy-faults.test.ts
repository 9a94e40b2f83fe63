import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { isShardfeedError } from '../../../src/errors.js';
import type { FileSystem } from '../../../src/files/index.js';
import { SEED } from '../../support/seed.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { byRules, bySeed, type Fault, type FaultRule } from '../support/faults.mjs';
import { bytesOf, namesIn, openCluster, openProxied, readFile, sha256, writeFile } from '../support/file-systems.js';

const BYTES = bytesOf(1_500_000);

let cluster: TestCluster;
let direct: FileSystem;
beforeAll(async () => {
  cluster = await testCluster('plain');
  direct = await openCluster(cluster);
});

/** All that a job does, once: an interrupted upload is begun again, as jobs do. Leaves `moved` behind. */
async function scenario(fs: FileSystem, folder: string): Promise<void> {
  await fs.mkdir(folder);
  for (;;) {
    try {
      await writeFile(fs, `${folder}/file`, BYTES);
      break;
    } catch (error) {
      if (!isShardfeedError(error, 'SHARDFEED_WRITE_INTERRUPTED')) throw error;
    }
  }
  await writeFile(fs, `${folder}/small`, BYTES.subarray(0, 1000));
  expect(sha256(await readFile(fs, `${folder}/file`))).toBe(sha256(BYTES));
  expect((await fs.stat(`${folder}/small`)).size).toBe(1000);
  await fs.rename(`${folder}/file`, `${folder}/moved`);
  await fs.delete(`${folder}/small`);
  expect(await namesIn(fs, folder)).toEqual(['moved']);
}

const FAULTS: Fault[] = [
  { kind: 'delay', ms: 20 },
  { kind: 'reset' },
  { kind: 'lostAnswer' },
  { kind: 'garbage', bytes: 100, seed: 1 },
  { kind: 'status', status: 503, body: 'html' },
  { kind: 'status', status: 200, body: 'html' },
  { kind: 'resetUpload', bytes: 500 },
  { kind: 'cut', bytes: 20 },
  { kind: 'halfClose', bytes: 0 },
  { kind: 'truncate', bytes: 20 },
  { kind: 'truncate', bytes: 0 },
];

const PLACES: Omit<FaultRule, 'fault'>[] = [
  { role: 'name', op: 'MKDIRS' },
  { role: 'name', op: 'GETFILESTATUS' },
  { role: 'name', op: 'CREATE' },
  { role: 'data', op: 'CREATE' },
  { role: 'name', op: 'OPEN' },
  { role: 'data', op: 'OPEN' },
  { role: 'name', op: 'RENAME', nth: 3 },
  { role: 'name', op: 'DELETE' },
  { role: 'name', op: 'LISTSTATUS_BATCH' },
];

describe('one fault', () => {
  it.each(PLACES)('in $op of a $role node: nothing is lost, whatever it is', async (place) => {
    const attempts = FAULTS.map(async (fault, i) => {
      await using proxied = await openProxied(cluster);
      const { fs, proxy } = proxied;
      const folder = `/tmp/one-fault/${place.role}-${place.op}-${i}`;
      proxy.decide = byRules([{ ...place, fault }]);
      await scenario(fs, folder);
      expect(proxy.exchanges.filter((exchange) => exchange.fault !== undefined)).toHaveLength(1);
      expect(await namesIn(direct, folder)).toEqual(['moved']);
      expect(sha256(await readFile(direct, `${folder}/moved`))).toBe(sha256(BYTES));
    });
    await Promise.all(attempts);
  });

  it('that is silence: it is noticed, and the rest comes from elsewhere', async () => {
    const attempts = PLACES.map(async (place, i) => {
      await using proxied = await openProxied(cluster, { timeouts: { idle: 1000 } });
      const { fs, proxy } = proxied;
      proxy.decide = byRules([{ ...place, fault: { kind: 'stall', bytes: 10 } }]);
      await scenario(fs, `/tmp/silence/${i}`);
      expect(await namesIn(direct, `/tmp/silence/${i}`)).toEqual(['moved']);
    });
    await Promise.all(attempts);
  });
});

describe('many faults', () => {
  it('by a seed: nothing is lost', async () => {
    await using proxied = await openProxied(cluster, { timeouts: { idle: 2000 } });
    const { fs, proxy } = proxied;
    proxy.decide = bySeed(SEED, 0.15);
    for (let i = 0; i < 10; i++) {
      await scenario(fs, `/tmp/many/${i}`);
      expect(sha256(await readFile(direct, `/tmp/many/${i}/moved`))).toBe(sha256(BYTES));
    }
  });

  it('that never end: an error tells what was tried', async () => {
    await using proxied = await openProxied(cluster, { retry: { patience: 1500 } });
    const { fs, proxy } = proxied;
    proxy.decide = () => ({ kind: 'status', status: 503, body: 'html' });
    await expect(fs.stat('/tmp')).rejects.toMatchObject({
      code: 'SHARDFEED_HDFS_UNREACHABLE',
      path: '/tmp',
      message: expect.stringMatching(/cannot look at \/tmp: 127\.0\.0\.1:\d+: .*503.*gave up after \d+ attempts/),
    });
  });
});

describe('1,000 reads that are given up', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length;

  it('leave no connection behind a second later', async () => {
    const fs = await openCluster(cluster);
    await writeFile(fs, '/tmp/given-up/file', bytesOf(4 << 20));
    const oneRead = async (i: number): Promise<void> => {
      const abort = new AbortController();
      try {
        for await (const _ of fs.read('/tmp/given-up/file', { signal: abort.signal })) {
          if (i % 2 === 0) return;
          abort.abort();
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'SHARDFEED_ABORTED' });
      }
    };
    const reads = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: 10 }, async (_, lane) => {
          for (let i = from + lane; i < to; i += 10) await oneRead(i);
        }),
      );
    await reads(0, 20);
    await sleep(1000);
    const baseline = descriptors();
    await reads(0, 1000);
    for (let waited = 0; waited < 1000 && descriptors() > baseline; waited += 50) await sleep(50);
    expect(descriptors()).toBeLessThanOrEqual(baseline);
  });
});
