import { beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../../src/convert/index.js';
import { type BatchesOptions, type Dataset, openDataset } from '../../../src/dataset/index.js';
import { type FileSystem, type Files, openFiles } from '../../../src/files/index.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { openCluster, openProxied } from '../support/file-systems.js';

const RECORDS = 12_000;
const rows = Array.from({ length: RECORDS }, (_, id) => ({ id, text: `${id} `.padEnd(1000, 'x') }));

async function open(cluster: TestCluster): Promise<{ fs: FileSystem; files: Files }> {
  const fs = await openCluster(cluster);
  return { fs, files: openFiles({ drivers: { hdfs: fs } }) };
}

/** The ids of a rank's rows that count, step by step; `between` runs before each step. */
async function idsOf(
  dataset: Dataset,
  options: BatchesOptions,
  between?: (step: number) => Promise<void>,
): Promise<number[][]> {
  const steps: number[][] = [];
  for await (const { columns, mask } of dataset.batches({ globalBatchSize: 512, ...options })) {
    await between?.(steps.length);
    const { values } = columns.id as { values: Float64Array };
    steps.push([...values].filter((_, row) => mask[row] === 1));
  }
  return steps;
}

describe('a dataset on HDFS', () => {
  let cluster: TestCluster;
  let files: Files;
  beforeAll(async () => {
    cluster = await testCluster('plain');
    ({ files } = await open(cluster));
    await convert({ input: rows, output: 'hdfs:///tmp/reader/data', partitions: 3, files });
  });

  it('is read in the order that a copy on local disk has, on any number of ranks, and goes on from a position', async () => {
    const memory = rows.map(({ id }) => id);
    const dataset = await openDataset('hdfs:///tmp/reader/data/part*', { files });
    expect((await idsOf(dataset, {})).flat()).toEqual(memory);
    const shuffled = { shuffle: { window: 4096, block: 64 }, seed: 4 };
    const whole = await idsOf(dataset, shuffled);
    expect(whole.flat().sort((a, b) => a - b)).toEqual(memory);
    const ranks = [
      await idsOf(dataset, { ...shuffled, worldSize: 2, rank: 0 }),
      await idsOf(dataset, { ...shuffled, worldSize: 2, rank: 1 }),
    ];
    expect(ranks[0]!.map((step, i) => [...step, ...ranks[1]![i]!])).toEqual(whole);
    expect(await dataset.get(7777)).toMatchObject({ id: 7777 });
    const batches = dataset.batches({ ...shuffled, globalBatchSize: 512 })[Symbol.asyncIterator]();
    for (let step = 0; step < 9; step++) await batches.next();
    const { value } = await batches.next();
    await batches.return?.(undefined);
    const rest = await idsOf(dataset, { position: JSON.parse(JSON.stringify(value!.position)) });
    expect(rest).toEqual(whole.slice(10));
  });

  it('a DataNode that dies amid an epoch changes nothing in it', async () => {
    for (const options of [{}, { shuffle: { window: 4096, block: 64 }, seed: 9 }]) {
      const dataset = await openDataset('hdfs:///tmp/reader/data', { files });
      const calm = await idsOf(dataset, options);
      const victim = cluster.dn[0]!.id;
      try {
        const killed = await idsOf(dataset, { ...options, prefetchBytes: 0 }, async (step) => {
          if (step === 3) await cluster.kill(victim);
        });
        expect(killed).toEqual(calm);
      } finally {
        await cluster.spawn(victim);
      }
    }
  }, 120_000);
});

describe('ranks on the hosts of DataNodes', () => {
  const HOSTS = ['127.0.0.1', 'localhost'];
  const FILES = 16;
  /** So many that a file is one block of 1 MiB, on one host. */
  const SIZE = 900;

  it('read nine tenths of their bytes there', async () => {
    const cluster = await testCluster('two-hosts', { hostnames: HOSTS, conf: { 'dfs.replication': '1' } });
    await using proxied = await openProxied(cluster);
    const { fs, proxy } = proxied;
    const files = openFiles({ drivers: { webhdfs: fs } });
    /** Bytes that each DataNode sent since an exchange. */
    const sentSince = (first: number): number[] =>
      cluster.dn.map(({ http }) => {
        const port = http.split(':')[1]!;
        const own = proxy.exchanges
          .slice(first)
          .filter(({ role, upstream }) => role === 'data' && upstream.endsWith(`:${port}`));
        return own.reduce((n, { bytes = 0 }) => n + bytes, 0);
      });
    // HDFS chooses the host of each file: as many files on each as the test wants.
    const kept = HOSTS.map(() => 0);
    for (let i = 0; kept.some((count) => count < FILES / 2); i++) {
      const name = `webhdfs:///tmp/near/part-${String(i).padStart(4, '0')}`;
      await convert({ input: rows.slice(0, SIZE), output: `${name}.d`, files });
      const [part] = (await openDataset(`${name}.d`, { files })).files;
      const path = `/tmp/near/part-${String(i).padStart(4, '0')}`;
      await fs.rename(`${path}.d/${part!.name}`, path);
      await fs.delete(`${path}.d`);
      const host = HOSTS.indexOf((await fs.blockLocations!(path))[0]!.hosts[0]!);
      expect(host).toBeGreaterThanOrEqual(0);
      if (kept[host]! < FILES / 2) kept[host]!++;
      else await fs.delete(path);
    }
    const dataset = await openDataset('webhdfs:///tmp/near/part*', { files, scanCache: false });
    const locality = JSON.parse(JSON.stringify(await dataset.locality(HOSTS)));
    for (const options of [
      { shuffle: true, globalBatchSize: 1024, tail: 'drop' as const },
      { mode: 'file' as const },
    ]) {
      for (const rank of [0, 1]) {
        const first = proxy.exchanges.length;
        await idsOf(dataset, { ...options, worldSize: 2, rank, locality });
        const bytes = sentSince(first);
        const own = cluster.dn.findIndex((_, i) => HOSTS[i] === HOSTS[rank]);
        expect(bytes[own]! / (bytes[0]! + bytes[1]!), `rank ${rank}, ${JSON.stringify(bytes)}`).toBeGreaterThan(0.9);
      }
    }
  }, 120_000);
});
