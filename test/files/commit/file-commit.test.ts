import { describe, expect, test } from 'vitest';
import { FileCommit, type FileSystem, localFileSystem, memoryFileSystem, recover } from '../../../src/files/index.js';
import { Crash, dying, hooked } from '../faulty.js';
import { scratchFolder } from '../scratch.js';
import { ALONE, namesIn, readText } from './datasets.js';

const scratch = await scratchFolder();
let folders = 0;

async function write(fs: FileSystem, path: string, content: string, overwrite = false, timing = ALONE): Promise<void> {
  const file = await FileCommit.begin({ fs, path }, { overwrite }, timing);
  try {
    await file.write(Buffer.from(content));
    await file.commit();
  } finally {
    await file.abort();
  }
}

/** A driver that cannot replace files at one stroke. */
function plain(fs: FileSystem): FileSystem {
  const { replaceFile: _, ...rest } = hooked(fs, () => {});
  return { ...rest, capabilities: { ...fs.capabilities, replaceFile: false } };
}

describe.each([
  ['local', localFileSystem(), scratch],
  ['memory', memoryFileSystem(), '/base'],
  ['memory without replaceFile', plain(memoryFileSystem()), '/base'],
])('%s', (_, fs, base) => {
  const fresh = () => `${base}/${folders++}`;

  test('a file appears whole', async () => {
    const root = fresh();
    const file = await FileCommit.begin({ fs, path: `${root}/file` });
    await file.write(Buffer.from('some '));
    expect(await readText(fs, `${root}/file`)).toBe(undefined);
    await file.write(Buffer.from('bytes'));
    expect(await file.commit()).toEqual({ left: [] });
    expect(await readText(fs, `${root}/file`)).toBe('some bytes');
    expect(await namesIn(fs, root)).toEqual(['file']);
    await file.abort();
    await file.commit();
    expect(await readText(fs, `${root}/file`)).toBe('some bytes');
  });

  test('a file that is being replaced can be read until then', async () => {
    const root = fresh();
    await write(fs, `${root}/file`, 'old');
    await expect(FileCommit.begin({ fs, path: `${root}/file` })).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
    const file = await FileCommit.begin({ fs, path: `${root}/file` }, { overwrite: true });
    await file.write(Buffer.from('new'));
    expect(await readText(fs, `${root}/file`)).toBe('old');
    await file.commit();
    expect(await readText(fs, `${root}/file`)).toBe('new');
    expect(await namesIn(fs, root)).toEqual(['file']);
  });

  test('abort leaves the old file and nothing else', async () => {
    const root = fresh();
    await write(fs, `${root}/file`, 'old');
    const file = await FileCommit.begin({ fs, path: `${root}/file` }, { overwrite: true });
    await file.write(Buffer.from('new'));
    await file[Symbol.asyncDispose]();
    expect(await readText(fs, `${root}/file`)).toBe('old');
    expect(await namesIn(fs, root)).toEqual(['file']);
  });

  test('a folder is not replaced', async () => {
    const root = fresh();
    await fs.mkdir(`${root}/folder`);
    const replacing = FileCommit.begin({ fs, path: `${root}/folder` }, { overwrite: true });
    await expect(replacing).rejects.toMatchObject({
      code: 'SHARDFEED_EXISTS',
      message: expect.stringContaining('folder'),
    });
    expect(await namesIn(fs, root)).toEqual(['folder']);
  });

  test('death at any moment leaves the old file or the new one, and the next run cleans up', async () => {
    for (const overwrite of [false, true]) {
      let alive = true;
      for (let n = 0; alive; n++) {
        const path = `${fresh()}/file`;
        const root = path.slice(0, -5);
        if (overwrite) await write(fs, path, 'old');
        const { fs: mortal, log, bury } = dying(fs, n, n % 2 === 0 ? 'after' : 'before');
        const died = await write(mortal, path, 'new', overwrite).catch((error: unknown) => error);
        if (died !== undefined && !(died instanceof Crash)) throw died;
        alive = log.length > n;
        await recover({ fs, path });
        expect(overwrite ? ['old', 'new'] : [undefined, 'new']).toContain(await readText(fs, path));
        await write(fs, path, 'next', true);
        expect(await readText(fs, path)).toBe('next');
        expect(await namesIn(fs, root)).toEqual(['file']);
        await bury();
      }
    }
  });
});
