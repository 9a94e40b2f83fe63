import { crc32 } from 'node:zlib';
import type { FileStat, FileSystem } from '../../../src/files/index.js';

const NOW = Date.now();

/** A file system whose files are old, as only such are kept, and whose mtimes depend on what they hold. */
export function settled(inner: FileSystem, authority?: string): FileSystem {
  const age = async (found: FileStat): Promise<FileStat> => {
    if (found.type !== 'file') return found;
    let crc = 0;
    for await (const chunk of inner.read(found.path)) crc = crc32(chunk, crc);
    return { ...found, mtimeMs: NOW - 10_000 - (crc % 3_000_000) };
  };
  const own: Partial<FileSystem> = {
    stat: async (path, options) => age(await inner.stat(path, options)),
    async *list(path, options) {
      for await (const child of inner.list(path, options)) yield age(child);
    },
    ...(authority !== undefined && { authority }),
  };
  const get = (target: FileSystem, name: string | symbol): unknown => {
    if (Object.hasOwn(own, name)) return Reflect.get(own, name);
    const there: unknown = Reflect.get(target, name);
    return typeof there === 'function' ? there.bind(target) : there;
  };
  return new Proxy(inner, { get });
}
