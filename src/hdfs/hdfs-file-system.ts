import { ShardfeedError, throwIfAborted } from '../errors.js';
import {
  type BlockLocation,
  baseName,
  type CallOptions,
  type Capabilities,
  type CreateOptions,
  compareBytes,
  type DeleteOptions,
  type FileChecksum,
  type FileReader,
  type FileStat,
  type FileSystem,
  type FileWriter,
  type HadoopScheme,
  hadoopCapabilities,
  normalizePath,
  parentPath,
  type ReadOptions,
} from '../files/index.js';
import { HdfsClient, type Operation } from './client.js';
import {
  type AllowRedirect,
  type CredentialsOptions,
  checkRedirects,
  openCredentials,
  type TlsOptions,
  tlsAgentOptions,
} from './credentials/index.js';
import type { Credentials } from './credentials.js';
import { Fault, isBelowFile, isUnknownOperation } from './fault.js';
import { openHdfsReader } from './file-reader.js';
import { existingStatus, isMissing } from './find-status.js';
import { type HadoopConfiguration, loadHadoopConfiguration } from './hadoop-configuration.js';
import { HttpClient, type Timeouts } from './http.js';
import { findNameNodes } from './name-nodes.js';
import { READ, type ReadSettings, readHdfsFile } from './read-file.js';
import { renamePath } from './rename-path.js';
import { RETRY, type RetryOptions, type Task } from './retry.js';
import { type HdfsStatus, member, parseStatus } from './status.js';
import { createHdfsFile } from './write-file.js';

export interface HdfsOptions {
  /** Default `hdfs`. */
  scheme?: HadoopScheme;
  /** `ns1`, `namenode:8020`. Default: that of `fs.defaultFS`. */
  authority?: string;
  /** The folder of core-site.xml and hdfs-site.xml, or what they say. Default: see `loadHadoopConfiguration`. */
  configuration?: string | HadoopConfiguration;
  /** Who we are to the cluster. */
  authentication?: CredentialsOptions;
  /** The same by a way of one's own. */
  credentials?: Credentials;
  /** Default: the host names and patterns in SHARDFEED_HDFS_REDIRECT_HOSTS, separated by commas, and what is near. */
  allowRedirect?: AllowRedirect;
  tls?: TlsOptions;
  timeouts?: Partial<Timeouts>;
  retry?: Partial<RetryOptions>;
  reads?: Partial<ReadSettings>;
}

/**
 * A Hadoop cluster over WebHDFS or HttpFS. Nothing is believed complete because a server said so: lengths are compared,
 * and what has a name is whole.
 */
export async function hdfsFileSystem(options: HdfsOptions = {}): Promise<FileSystem> {
  const { scheme = 'hdfs', authority = '', configuration } = options;
  const properties = typeof configuration === 'object' ? configuration : await loadHadoopConfiguration(configuration);
  const nameNodes = findNameNodes({ scheme, authority }, properties);
  const client = new HdfsClient({
    nameNodes,
    http: new HttpClient(options.timeouts, tlsAgentOptions(options.tls)),
    credentials: options.credentials ?? openCredentials(options.authentication, authenticationOf(properties, scheme)),
    retry: { ...RETRY, ...options.retry },
    checkRedirect: checkRedirects({ allowRedirect: options.allowRedirect ?? redirectHosts() }),
  });
  return new HdfsFileSystem(client, scheme, authority, { ...READ, ...options.reads });
}

/** `simple` where a configuration says nothing; unknown without one, and of a gateway, which has its own. */
function authenticationOf(properties: HadoopConfiguration, scheme: HadoopScheme): string | undefined {
  const configured = properties.get('hadoop.security.authentication');
  return configured ?? (properties.size === 0 || scheme === 'httpfs' ? undefined : 'simple');
}

function redirectHosts(): string[] {
  return (process.env.SHARDFEED_HDFS_REDIRECT_HOSTS ?? '').split(/[,\s]+/).filter((host) => host !== '');
}

class HdfsFileSystem implements FileSystem {
  readonly scheme: string;
  readonly authority: string;
  readonly capabilities: Capabilities;
  readonly replaceFile?: FileSystem['replaceFile'];
  readonly #client: HdfsClient;
  readonly #reads: ReadSettings;

  constructor(client: HdfsClient, scheme: HadoopScheme, authority: string, reads: ReadSettings) {
    this.#client = client;
    this.scheme = scheme;
    this.authority = authority;
    this.capabilities = hadoopCapabilities(scheme, authority);
    this.#reads = reads;
    if (this.capabilities.replaceFile === true) this.replaceFile = (...args) => this.#replaceFile(...args);
  }

  async stat(path: string, options: CallOptions = {}): Promise<FileStat> {
    return existingStatus(this.#client, enter(path, options, 'look at'));
  }

  async *list(path: string, options: CallOptions = {}): AsyncGenerator<FileStat> {
    const task = enter(path, options, 'list');
    const children: HdfsStatus[] = [];
    for await (const child of this.#batches(task)) children.push(child);
    // HDFS sorts signed bytes: what is not ASCII comes first.
    yield* children.sort((a, b) => compareBytes(a.path, b.path));
  }

  async *#batches(task: Task): AsyncGenerator<HdfsStatus> {
    let startAfter: string | undefined;
    for (;;) {
      const { children, remaining } = await this.#list(task, startAfter);
      for (const child of children) {
        // A file is listed as itself, without a name.
        if (child.path === task.path)
          throw new ShardfeedError('SHARDFEED_IO', `cannot list ${task.path}: it is a file`, { path: task.path });
        yield child;
      }
      const last = children.at(-1);
      if (remaining === 0 || last === undefined) return;
      startAfter = baseName(last.path);
    }
  }

  read(path: string, options: ReadOptions = {}): AsyncIterable<Uint8Array> {
    return readHdfsFile(this.#client, normalizePath(path), options, this.#reads);
  }

  openReader(path: string, options: CallOptions = {}): Promise<FileReader> {
    return openHdfsReader(this.#client, normalizePath(path), options, this.#reads);
  }

  async create(path: string, options: CreateOptions = {}): Promise<FileWriter> {
    return createHdfsFile(this.#client, this.#named(enter(path, options, 'create')).path, options);
  }

  async rename(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const task = enter(from, options, 'rename');
    const { path: target } = this.#named({ ...task, path: normalizePath(to) });
    await renamePath(this.#client, await existingStatus(this.#client, task), target, 'nothing', task);
  }

  /** Not through a gateway; one that cannot be told by its address says so when it is asked to. */
  async #replaceFile(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const task = enter(from, options, 'rename');
    const { path: target } = this.#named({ ...task, path: normalizePath(to) });
    const source = await existingStatus(this.#client, task);
    if (source.type === 'folder') {
      throw new ShardfeedError('SHARDFEED_IO', `cannot replace ${target} by ${source.path}: it is a folder`, {
        path: source.path,
      });
    }
    await renamePath(this.#client, source, target, 'file at one stroke', task);
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<void> {
    const task = enter(path, options, 'delete');
    if (task.path === '/') {
      throw new ShardfeedError('SHARDFEED_IO', 'cannot delete the root folder', { path: task.path });
    }
    const { recursive = true } = options;
    const operation: Operation = { ...task, method: 'DELETE', op: 'DELETE', query: { recursive } };
    await this.#client.run(task, async (nameNode) => {
      try {
        await this.#client.jsonOnce(nameNode, operation);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  async mkdir(path: string, options: CallOptions = {}): Promise<void> {
    const task = this.#named(enter(path, options, 'make the folder'));
    await this.#client.run(task, async (nameNode) => {
      try {
        const answer = await this.#client.jsonOnce(nameNode, { ...task, method: 'PUT', op: 'MKDIRS' });
        if (member(answer, 'boolean') !== true)
          throw new Fault('SHARDFEED_IO', 'it was not made', { server: nameNode.origin });
      } catch (error) {
        if (isBelowFile(error))
          throw new Fault('SHARDFEED_IO', 'a part of the path is a file', { server: nameNode.origin });
        throw error;
      }
    });
  }

  /** What the disks have left, or the space quotas of the folders above, in bytes of content at the default replication. */
  async freeSpace(path: string, options: CallOptions = {}): Promise<number> {
    const task = enter(path, options, 'ask for the free space of');
    const root = { ...task, path: '/' };
    const ask = (op: string, ...keys: string[]): Promise<number> =>
      this.#client.run(root, async (nameNode) => {
        try {
          return Number(member(await this.#client.jsonOnce(nameNode, { ...root, method: 'GET', op }), ...keys));
        } catch (error) {
          if (isUnknownOperation(error)) return Number.NaN;
          throw error;
        }
      });
    const [copies, disks] = await Promise.all([
      ask('GETSERVERDEFAULTS', 'FsServerDefaults', 'replication'),
      ask('GETSTATUS', 'FsStatus', 'remaining'),
    ]);
    // Servers before 3.4 do not tell what the disks have left.
    let free = Number.isNaN(disks) ? Number.POSITIVE_INFINITY : disks;
    for (let folder = task.path; ; folder = parentPath(folder)) {
      free = Math.min(free, await this.#quotaLeft({ ...task, path: folder }));
      if (folder === '/') break;
    }
    return Math.max(0, Math.floor(free / (copies || 1)));
  }

  async blockLocations(path: string, options: ReadOptions = {}): Promise<BlockLocation[]> {
    const task = enter(path, options, 'find the blocks of');
    const { start = 0, end = Number.MAX_SAFE_INTEGER } = options;
    const query = { offset: start, length: Math.max(0, end - start) };
    return this.#client.run(task, async (nameNode) => {
      const ask = (op: string) => this.#client.jsonOnce(nameNode, { ...task, method: 'GET', op, query });
      try {
        const blocks = member(await ask('GETFILEBLOCKLOCATIONS'), 'BlockLocations', 'BlockLocation') as JsonBlock[];
        return blocks.map(({ offset, length, hosts }) => ({ start: offset, end: offset + length, hosts }));
      } catch (error) {
        if (!isUnknownOperation(error)) throw error;
        const blocks = member(await ask('GET_BLOCK_LOCATIONS'), 'LocatedBlocks', 'locatedBlocks') as OlderJsonBlock[];
        return blocks.map(({ startOffset, block, locations }) => {
          return { start: startOffset, end: startOffset + block.numBytes, hosts: locations.map((at) => at.hostName) };
        });
      }
    });
  }

  async checksum(path: string, options: CallOptions = {}): Promise<FileChecksum> {
    const task = enter(path, options, 'take the checksum of');
    return this.#client.dataJson({ ...task, method: 'GET', op: 'GETFILECHECKSUM' }, (answer) => {
      const sum = member(answer, 'FileChecksum');
      return { algorithm: String(member(sum, 'algorithm')), value: String(member(sum, 'bytes')) };
    });
  }

  /** The task, if HDFS can have such a name: a data node would say so only when it has got all bytes. */
  #named(task: Task): Task {
    const why = task.path.includes(':')
      ? 'HDFS allows no colon in a name'
      : this.#client.gateway && /[\0-\x20]$/.test(task.path)
        ? 'HttpFS drops spaces at the end of a name'
        : undefined;
    if (why === undefined) return task;
    const message = `cannot ${task.action} ${JSON.stringify(task.path)}: ${why}`;
    throw new ShardfeedError('SHARDFEED_UNSUPPORTED', message, { path: task.path });
  }

  async #list(task: Task, startAfter?: string): Promise<{ children: HdfsStatus[]; remaining: unknown }> {
    const query: Operation['query'] = startAfter === undefined ? {} : { startAfter };
    return this.#client.run(task, async (nameNode) => {
      const ask = (op: string) => this.#client.jsonOnce(nameNode, { ...task, method: 'GET', op, query });
      const parse = (list: unknown) =>
        (member(list, 'FileStatuses', 'FileStatus') as unknown[]).map((child) => parseStatus(child, task.path));
      try {
        const listing = member(await ask('LISTSTATUS_BATCH'), 'DirectoryListing');
        return { children: parse(member(listing, 'partialListing')), remaining: member(listing, 'remainingEntries') };
      } catch (error) {
        if (isBelowFile(error)) throw new Fault('SHARDFEED_NOT_FOUND', 'no such folder', { server: nameNode.origin });
        if (!isUnknownOperation(error)) throw error;
        return { children: parse(await ask('LISTSTATUS')), remaining: 0 };
      }
    });
  }

  /** Bytes on disk that the space quota of a folder leaves; infinite without one, or without the folder. */
  async #quotaLeft(task: Task): Promise<number> {
    try {
      return await this.#client.json({ ...task, method: 'GET', op: 'GETQUOTAUSAGE' }, (answer) => {
        const usage = member(answer, 'QuotaUsage');
        const quota = Number(member(usage, 'spaceQuota'));
        return quota < 0 ? Number.POSITIVE_INFINITY : quota - Number(member(usage, 'spaceConsumed'));
      });
    } catch (error) {
      throwIfAborted(task.signal, task.path);
      if (error instanceof ShardfeedError) return Number.POSITIVE_INFINITY;
      throw error;
    }
  }
}

interface JsonBlock {
  offset: number;
  length: number;
  hosts: string[];
}

/** Of Hadoop 2: its own `LocatedBlock`. */
interface OlderJsonBlock {
  startOffset: number;
  block: { numBytes: number };
  locations: { hostName: string }[];
}

function enter(path: string, { signal }: CallOptions, action: string): Task {
  const target = normalizePath(path);
  throwIfAborted(signal, target);
  return { action, path: target, signal };
}
