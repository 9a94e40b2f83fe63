import { execFile } from 'node:child_process';
import * as fsPromises from 'node:fs/promises';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { localFileSystem } from '../../src/files/index.js';
import { localError } from '../../src/files/local/errors.js';
import { type RenameCalls, renameNoReplace } from '../../src/files/local/rename.js';
import { scratchFolder } from './scratch.js';

const root = await scratchFolder();
const fs = localFileSystem();
const run = promisify(execFile);

async function text(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of fs.read(path)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function folder(name: string): Promise<string> {
  const path = join(root, name);
  await mkdir(path);
  return path;
}

describe('errors', () => {
  test.each([
    ['ENOENT', 'SHARDFEED_NOT_FOUND'],
    ['EEXIST', 'SHARDFEED_EXISTS'],
    ['EACCES', 'SHARDFEED_PERMISSION'],
    ['EPERM', 'SHARDFEED_PERMISSION'],
    ['EROFS', 'SHARDFEED_PERMISSION'],
    ['ENOSPC', 'SHARDFEED_NO_SPACE'],
    ['EDQUOT', 'SHARDFEED_NO_SPACE'],
    ['EIO', 'SHARDFEED_IO'],
    ['EMFILE', 'SHARDFEED_IO'],
  ])('%s is %s', (errno, code) => {
    const cause = Object.assign(new Error('system call failed'), { code: errno });
    expect(localError(cause, 'write', '/data/x')).toMatchObject({
      code,
      path: '/data/x',
      cause,
      message: expect.stringMatching(new RegExp(`^cannot write /data/x: .*\\(${errno}\\)$`)),
    });
  });

  test('what is no system error passes', () => {
    const bug = new TypeError('x is not a function');
    expect(localError(bug, 'write', '/x')).toBe(bug);
  });

  test('a full device', async () => {
    const link = join(root, 'full');
    await symlink('/dev/full', link);
    const writer = await fs.create(link, { overwrite: true });
    await expect(writer.write(new Uint8Array(1 << 20))).rejects.toMatchObject({
      code: 'SHARDFEED_NO_SPACE',
      path: link,
    });
    await writer.abort();
    expect(await readdir(root)).not.toContain('full');
  });

  test('small writes to a full device fail at close at the latest', async () => {
    const link = join(root, 'full-late');
    await symlink('/dev/full', link);
    const writer = await fs.create(link, { overwrite: true });
    await writer.write(new Uint8Array(10));
    await expect(writer.close()).rejects.toMatchObject({ code: 'SHARDFEED_NO_SPACE' });
    await writer.abort();
  });

  test('a folder that may not be written', async () => {
    const locked = await folder('locked');
    await writeFile(join(locked, 'secret'), 'x');
    await chmod(join(locked, 'secret'), 0o000);
    await chmod(locked, 0o555);
    // Root may do everything, so the calls are made by an ordinary user where the tests run as root.
    const codes = await asOrdinaryUser(locked);
    await chmod(locked, 0o755);
    expect(codes).toEqual(Array(5).fill('SHARDFEED_PERMISSION'));
  });
});

async function asOrdinaryUser(locked: string): Promise<string[]> {
  await chmod(root, 0o755);
  const script = `
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const { localFileSystem } = await import(process.argv[1]);
    const fs = localFileSystem();
    const at = (name) => process.argv[2] + '/' + name;
    const calls = [
      async () => fs.create(at('new')), async () => fs.mkdir(at('new')), async () => fs.rename(at('secret'), at('new')),
      async () => fs.delete(at('secret')), async () => { for await (const _ of fs.read(at('secret'))); },
    ];
    const codes = [];
    for (const call of calls) codes.push(await call().then(() => 'resolved', (error) => error.code ?? String(error)));
    console.log(JSON.stringify(codes));`;
  const module = new URL('../../dist/files/index.js', import.meta.url).href;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, module, locked]);
  return JSON.parse(stdout) as string[];
}

describe('rename without hard links', () => {
  const calls: RenameCalls = {
    ...fsPromises,
    link: () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' })),
  };

  test('moves a file', async () => {
    const at = await folder('no-links');
    await writeFile(join(at, 'from'), 'x');
    await renameNoReplace(join(at, 'from'), join(at, 'to'), calls);
    expect(await readdir(at)).toEqual(['to']);
    expect(await readFile(join(at, 'to'), 'utf8')).toBe('x');
  });

  test('replaces nothing', async () => {
    const at = await folder('no-links-2');
    await writeFile(join(at, 'from'), 'x');
    await writeFile(join(at, 'file'), 'kept');
    await mkdir(join(at, 'folder'));
    for (const to of ['file', 'folder']) {
      await expect(renameNoReplace(join(at, 'from'), join(at, to), calls)).rejects.toMatchObject({
        code: 'SHARDFEED_EXISTS',
      });
    }
    expect(await readFile(join(at, 'file'), 'utf8')).toBe('kept');
    expect((await readdir(at)).sort()).toEqual(['file', 'folder', 'from']);
  });

  test('of ten movers one wins', async () => {
    const at = await folder('no-links-3');
    const names = Array.from({ length: 10 }, (_, i) => join(at, `from-${i}`));
    for (const name of names) await writeFile(name, name);
    const tries = await Promise.allSettled(names.map((name) => renameNoReplace(name, join(at, 'to'), calls)));
    const winners = names.filter((_, i) => tries[i]!.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect(await readFile(join(at, 'to'), 'utf8')).toBe(winners[0]);
    expect(await readdir(at)).toHaveLength(10);
  });
});

test('a folder put in the way after the look at the target is not replaced once it holds something', async () => {
  const at = await folder('raced');
  await mkdir(join(at, 'from'));
  await writeFile(join(at, 'from/file'), 'x');
  const calls: RenameCalls = {
    ...fsPromises,
    rename: async (from, to) => {
      await mkdir(to);
      await writeFile(join(String(to), 'theirs'), 'y');
      await fsPromises.rename(from, to);
    },
  };
  await expect(renameNoReplace(join(at, 'from'), join(at, 'to'), calls)).rejects.toMatchObject({
    code: 'SHARDFEED_EXISTS',
  });
  expect(await readdir(join(at, 'to'))).toEqual(['theirs']);
  expect(await readdir(join(at, 'from'))).toEqual(['file']);
});

describe('symbolic links', () => {
  test('are followed by stat, list and read; links to nothing are not listed', async () => {
    const at = await folder('links');
    await writeFile(join(at, 'real'), 'content');
    await symlink('real', join(at, 'link'));
    await symlink('nowhere', join(at, 'broken'));
    await symlink('itself', join(at, 'itself'));
    expect(await text(join(at, 'link'))).toBe('content');
    expect(await fs.stat(join(at, 'link'))).toMatchObject({ type: 'file', size: 7 });
    const listed: string[] = [];
    for await (const { path } of fs.list(at)) listed.push(path.slice(at.length + 1));
    expect(listed).toEqual(['link', 'real']);
    await expect(fs.stat(join(at, 'broken'))).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
  });

  test('are deleted and moved as themselves', async () => {
    const at = await folder('links-2');
    await mkdir(join(at, 'real'));
    await writeFile(join(at, 'real/file'), 'kept');
    await symlink('real', join(at, 'link'));
    await fs.rename(join(at, 'link'), join(at, 'moved'));
    expect((await readdir(at)).sort()).toEqual(['moved', 'real']);
    await fs.delete(join(at, 'moved'));
    expect(await readdir(join(at, 'real'))).toEqual(['file']);
  });

  test('a link to nothing has the name', async () => {
    const at = await folder('links-3');
    await symlink('nowhere', join(at, 'to'));
    await writeFile(join(at, 'file'), 'x');
    await mkdir(join(at, 'folder'));
    await writeFile(join(at, 'folder/x'), 'x');
    for (const from of ['file', 'folder']) {
      await expect(fs.rename(join(at, from), join(at, 'to'))).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
    }
  });
});

test('a pipe is read to its end', async () => {
  const pipe = join(root, 'pipe');
  await run('mkfifo', [pipe]);
  const writing = writeFile(pipe, 'through a pipe');
  expect(await text(pipe)).toBe('through a pipe');
  await writing;
});

test('a file whose size is not known beforehand is read to its end', async () => {
  expect(await text('/proc/self/status')).toContain('Pid:');
});

test('a name that is not UTF-8 is no silent loss', async () => {
  const at = await folder('latin1');
  await writeFile(Buffer.concat([Buffer.from(`${at}/caf`), Buffer.from([0xe9])]), 'x');
  const listing = (async () => {
    for await (const _ of fs.list(at));
  })();
  await expect(listing).rejects.toMatchObject({ code: 'SHARDFEED_UNSUPPORTED' });
  await fs.delete(at);
});

test('a folder in which nothing can be made is an error at once', async () => {
  // Linux says of /proc that what is to be made does not exist, where Node's recursive mkdir tries for ever.
  await expect(fs.mkdir('/proc/a/b')).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND', path: '/proc/a/b' });
  await expect(fs.create('/proc/a')).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
});

test('freeSpace is what the disk says', async () => {
  const { bavail, bsize } = await fsPromises.statfs(root);
  const free = await fs.freeSpace!(join(root, 'not/there/yet'));
  expect(Math.abs(free - bavail * bsize)).toBeLessThan(2 ** 30);
});

test('a reader that is closed has its reads done first, and does no other', async () => {
  const at = await folder('reader');
  const bytes = new Uint8Array(1 << 20).fill(7);
  await writeFile(join(at, 'a'), bytes);
  const reader = await fs.openReader!(join(at, 'a'));
  const into = Array.from({ length: 8 }, () => new Uint8Array(1 << 20));
  const reads = into.map((piece) => reader.read(piece, 0));
  const closed = Promise.all([reader.close(), reader.close()]);
  // Whatever is opened now may get the number of the file that was closed.
  await writeFile(join(at, 'b'), new Uint8Array(1 << 20));
  const other = await fs.openReader!(join(at, 'b'));
  await closed;
  expect(await Promise.all(reads)).toEqual(into.map(() => 1 << 20));
  for (const piece of into) expect(Buffer.compare(piece, bytes)).toBe(0);
  await expect(reader.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'SHARDFEED_IO' });
  await other.close();
});
