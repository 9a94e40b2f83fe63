import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { fileSystemConformance } from '../../src/files/conformance.js';
import { type FileSystem, localFileSystem, memoryFileSystem } from '../../src/files/index.js';
import { scratchFolder } from './scratch.js';

const root = await scratchFolder();

/** Drivers that break one promise each, and a case that must find it. */
const local = localFileSystem();
const memory = memoryFileSystem();
const broken: [lie: string, fs: FileSystem, root: string, found: string][] = [
  [
    'plain rename(2) replaces files and empty folders',
    override(local, { rename: (from: string, to: string) => rename(from, to) }),
    root,
    'rename: a file does not replace a file',
  ],
  [
    'rename moves into an existing folder, as HDFS does',
    override(memory, {
      rename: async (from: string, to: string) => {
        const target = await memory.stat(to).catch(() => undefined);
        await memory.rename(from, target?.type === 'folder' ? `${to}/${from.split('/').at(-1)}` : to);
      },
    }),
    '/root',
    'rename: a file does not replace a folder',
  ],
  [
    'names are percent-decoded',
    override(memory, { create: (path: string, o = {}) => memory.create(path.replaceAll('%41', 'A'), o) }),
    '/root',
    'names: every byte of a name comes back',
  ],
  [
    'the end of a range is inclusive',
    override(memory, { read: (p: string, o = {}) => memory.read(p, { ...o, ...(o.end ? { end: o.end + 1 } : {}) }) }),
    '/root',
    'read: ranges',
  ],
  [
    'errors are not typed',
    override(memory, { stat: (path: string) => memory.stat(path).catch((e) => Promise.reject(new Error(e.message))) }),
    '/root',
    'stat: what is missing, or below a file',
  ],
  [
    'an aborted write stays',
    override(local, {
      create: async (path: string) => {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, '', { flag: 'wx' });
        return { write: async () => {}, close: async () => {}, abort: async () => {} };
      },
    }),
    root,
    'writer: abort leaves nothing, and can be repeated',
  ],
];

test.each(broken)('%s', async (_, fs, folder, found) => {
  const failed: string[] = [];
  for (const { name, run } of fileSystemConformance({ open: () => ({ fs, root: folder }) })) {
    if (name === found) await run().catch(() => failed.push(name));
  }
  expect(failed).toEqual([found]);
});

function override(fs: FileSystem, methods: Partial<FileSystem>): FileSystem {
  const bound = (key: keyof FileSystem) => {
    const value = methods[key] ?? fs[key];
    return typeof value === 'function' ? value.bind(fs) : value;
  };
  return new Proxy(fs, { get: (_, key) => bound(key as keyof FileSystem) });
}
