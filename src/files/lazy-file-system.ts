import { ShardfeedError } from '../errors.js';
import type { Capabilities, FileSystem } from './file-system.js';

/** What is known of a driver before it is loaded. */
export interface LazyDriver {
  readonly scheme: string;
  readonly authority: string;
  readonly capabilities: Capabilities;
  /** Called once, on first use. */
  load(): Promise<FileSystem>;
}

/** A file system whose driver is loaded by its first call, so that who does not use it does not pay for it. */
export function lazyFileSystem({ scheme, authority, capabilities, load }: LazyDriver): FileSystem {
  let loading: Promise<FileSystem> | undefined;
  const driver = (): Promise<FileSystem> => {
    loading ??= load();
    return loading;
  };
  async function* stream<T>(open: (fs: FileSystem) => AsyncIterable<T>): AsyncGenerator<T> {
    yield* open(await driver());
  }
  const lazy: FileSystem = {
    scheme,
    authority,
    capabilities,
    stat: async (...args) => (await driver()).stat(...args),
    list: (...args) => stream((fs) => fs.list(...args)),
    read: (...args) => stream((fs) => fs.read(...args)),
    create: async (...args) => (await driver()).create(...args),
    rename: async (...args) => (await driver()).rename(...args),
    delete: async (...args) => (await driver()).delete(...args),
    mkdir: async (...args) => (await driver()).mkdir(...args),
    async openReader(path, options) {
      const fs = await driver();
      if (fs.openReader !== undefined) return fs.openReader(path, options);
      throw new ShardfeedError('SHARDFEED_UNSUPPORTED', `${scheme}:// reads files as streams only`, { path });
    },
  };
  if (capabilities.replaceFile) lazy.replaceFile = async (...args) => (await driver()).replaceFile!(...args);
  if (capabilities.freeSpace) lazy.freeSpace = async (...args) => (await driver()).freeSpace!(...args);
  if (capabilities.blockLocations) lazy.blockLocations = async (...args) => (await driver()).blockLocations!(...args);
  if (capabilities.checksum) lazy.checksum = async (...args) => (await driver()).checksum!(...args);
  return lazy;
}
