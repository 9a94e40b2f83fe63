import { createHash } from 'node:crypto';
import type { FileSystem } from '../../../src/files/index.js';
import { type HdfsOptions, hdfsFileSystem, simpleCredentials } from '../../../src/hdfs/index.js';
import { randomOf } from '../../random.mjs';
import type { TestCluster } from './cluster.js';
import { type FaultProxy, startFaultProxy } from './fault-proxy.mjs';

/** The driver on a cluster, by its configuration. */
export function openCluster(
  cluster: TestCluster,
  { user = 'hdfs', ...options }: HdfsOptions & { user?: string } = {},
): Promise<FileSystem> {
  return hdfsFileSystem({ configuration: cluster.confDir, credentials: simpleCredentials(user), ...options });
}

export interface Proxied extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly fs: FileSystem;
}

/** The driver on a cluster, all of its traffic through a proxy. `options` reach the driver. */
export async function openProxied(cluster: TestCluster, options: HdfsOptions = {}): Promise<Proxied> {
  const name = cluster.nn[0]!.http;
  const proxy = await startFaultProxy({ names: [name] });
  const fs = await hdfsFileSystem({
    scheme: 'webhdfs',
    authority: proxy.addressOf(name)!,
    configuration: new Map(),
    credentials: simpleCredentials('hdfs'),
    ...options,
  });
  return { proxy, fs, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

/** Bytes that no two places of have in common, always the same for one seed. */
export function bytesOf(size: number, seed = 1): Uint8Array {
  const random = randomOf(seed);
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32;
  return new Uint8Array(words.buffer, 0, size);
}

/** A file of the driver; `between` runs before each of its chunks of 1 MiB. */
export async function writeFile(
  fs: FileSystem,
  path: string,
  bytes: Uint8Array,
  between: (written: number) => Promise<void> = async () => {},
): Promise<void> {
  const writer = await fs.create(path);
  try {
    for (let at = 0; at < bytes.length; at += 1 << 20) {
      await between(at);
      await writer.write(bytes.subarray(at, at + (1 << 20)));
    }
    await writer.close();
  } finally {
    await writer.abort();
  }
}

export async function readFile(
  fs: FileSystem,
  path: string,
  between: (read: number) => Promise<void> = async () => {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of fs.read(path)) {
    chunks.push(chunk);
    length += chunk.length;
    await between(length);
  }
  return Buffer.concat(chunks);
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function namesIn(fs: FileSystem, folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of fs.list(folder)) names.push(path.slice(path.lastIndexOf('/') + 1));
  return names;
}
