import assert from 'node:assert/strict';
import {
  assertSameBytes,
  type Bench,
  bytesOf,
  type ConformanceCase,
  type ConformanceTarget,
  defineCase,
  pattern,
  rejects,
} from './case.js';

export function writeCases(target: ConformanceTarget): ConformanceCase[] {
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  return [
    test('create: an empty file', async (b) => {
      const path = await b.write(b.path('empty'), '');
      assert.equal((await b.fs.stat(path)).size, 0);
      assert.equal(await b.text(path), '');
    }),
    test('create: pieces of any size come out in order', async (b) => {
      const path = b.path('pieces');
      // Every size after every other, each with bytes of its own.
      const sizes = [0, 1, 7, 4096, 32_767, 32_768, 40_000, 65_535, 65_536, 65_537, 300_000];
      const content = pattern(2 * sizes.length * sizes.reduce((sum, size) => sum + size));
      const writer = await b.fs.create(path);
      let at = 0;
      for (const size of sizes.flatMap((one) => sizes.flatMap((other) => [one, other]))) {
        await writer.write(content.subarray(at, at + size));
        at += size;
      }
      await writer.close();
      assertSameBytes(await b.read(path), content);
      assert.equal((await b.fs.stat(path)).size, content.length);
    }),
    test('create: the buffer is free after write resolves', async (b) => {
      const path = b.path('reused');
      for (const size of [10, 100_000]) {
        const writer = await b.fs.create(path, { overwrite: true });
        const buffer = new Uint8Array(size);
        for (let value = 1; value <= 5; value++) {
          await writer.write(buffer.fill(value));
        }
        buffer.fill(99);
        await writer.close();
        const expected = [1, 2, 3, 4, 5].map((value) => new Uint8Array(size).fill(value));
        assertSameBytes(await b.read(path), Buffer.concat(expected));
      }
    }),
    test('create: a view in the middle of a buffer is written alone', async (b) => {
      const whole = pattern(1000);
      const path = await b.write(b.path('view'), whole.subarray(300, 420));
      assertSameBytes(await b.read(path), whole.slice(300, 420));
    }),
    test('create: a large file', async (b) => {
      const path = b.path('large');
      const size = target.largeBytes ?? 9 << 20;
      const piece = pattern(1_000_003);
      const writer = await b.fs.create(path);
      for (let at = 0; at < size; at += piece.length) await writer.write(piece.subarray(0, size - at));
      await writer.close();
      assert.equal((await b.fs.stat(path)).size, size);
      let at = 0;
      for await (const chunk of b.fs.read(path)) {
        for (let i = 0; i < chunk.length; i += 997) {
          assert.equal(chunk[i], piece[(at + i) % piece.length], `byte ${at + i}`);
        }
        at += chunk.length;
      }
      assert.equal(at, size);
    }),
    test('create: makes the parent folders', async (b) => {
      const path = await b.write(b.path('a/b/c/file'), 'x');
      assert.equal(await b.text(path), 'x');
      assert.equal((await b.fs.stat(b.path('a/b'))).type, 'folder');
    }),
    test('create: an existing file is not touched', async (b) => {
      const path = await b.write(b.path('file'), 'old');
      await rejects(b.fs.create(path), 'SHARDFEED_EXISTS');
      assert.equal(await b.text(path), 'old');
    }),
    test('create: overwrite replaces the whole file', async (b) => {
      const path = await b.write(b.path('file'), 'a long old content');
      const writer = await b.fs.create(path, { overwrite: true });
      await writer.write(bytesOf('new'));
      await writer.close();
      assert.equal(await b.text(path), 'new');
    }),
    test('create: never replaces a folder', async (b) => {
      await b.fs.mkdir(b.path('folder'));
      await rejects(b.fs.create(b.path('folder')), 'SHARDFEED_EXISTS');
      await rejects(b.fs.create(b.path('folder'), { overwrite: true }), 'SHARDFEED_EXISTS');
      assert.equal((await b.fs.stat(b.path('folder'))).type, 'folder');
    }),
    test('create: nothing lies below a file', async (b) => {
      await b.write(b.path('file'), 'x');
      await rejects(b.fs.create(b.path('file/below')), 'SHARDFEED_IO');
      await rejects(b.fs.create(b.path('file/far/below')), 'SHARDFEED_IO');
      await rejects(b.fs.mkdir(b.path('file/below')), 'SHARDFEED_IO');
      assert.equal(await b.text(b.path('file')), 'x');
    }),
    test('create: of ten creators one succeeds', async (b) => {
      const path = b.path('raced');
      // Who is second learns it from `create`, or from `close` where only that gives the file its name.
      const created = await Promise.allSettled(Array.from({ length: 10 }, () => b.fs.create(path)));
      const closed = await Promise.allSettled(
        created.map(async (result, i) => {
          if (result.status === 'rejected') throw result.reason;
          await result.value.write(bytesOf(`creator ${i}`));
          await result.value.close();
        }),
      );
      const winners = closed.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      assert.equal(winners.length, 1, 'number of creators that succeeded');
      assert.equal(await b.text(path), `creator ${winners[0]}`);
      for (const result of closed) {
        if (result.status === 'rejected') await rejects(Promise.reject(result.reason), 'SHARDFEED_EXISTS');
      }
      assert.deepEqual(await b.names(b.root), ['raced']);
    }),
    test('writer: abort leaves nothing, and can be repeated', async (b) => {
      const writer = await b.fs.create(b.path('given-up'));
      await writer.write(pattern(200_000));
      await writer.abort();
      await writer.abort();
      assert.equal(await b.find(b.path('given-up')), undefined);
      await rejects(writer.write(pattern(1)), 'SHARDFEED_IO');
      await rejects(writer.close(), 'SHARDFEED_IO');
      assert.equal(await b.find(b.path('given-up')), undefined);
    }),
    test('writer: close can be repeated, and abort after it does nothing', async (b) => {
      const writer = await b.fs.create(b.path('kept'));
      await writer.write(bytesOf('kept'));
      await writer.close();
      await writer.close();
      await writer.abort();
      assert.equal(await b.text(b.path('kept')), 'kept');
      await rejects(writer.write(bytesOf('more')), 'SHARDFEED_IO');
    }),
    test('writer: twenty at a time do not mix', async (b) => {
      const names = Array.from({ length: 20 }, (_, i) => `part-${i}`);
      await Promise.all(
        names.map(async (name, i) => {
          const writer = await b.fs.create(b.path(name));
          for (let k = 0; k < 5; k++) await writer.write(new Uint8Array(40_000).fill(i));
          await writer.close();
        }),
      );
      for (const [i, name] of names.entries()) {
        assertSameBytes(await b.read(b.path(name)), new Uint8Array(200_000).fill(i));
      }
    }),
    test('mkdir: makes parents, and may be repeated', async (b) => {
      await b.fs.mkdir(b.path('x/y/z'));
      await b.write(b.path('x/y/z/file'), '1');
      await b.fs.mkdir(b.path('x/y/z'));
      await b.fs.mkdir(b.path('x'));
      assert.equal(await b.text(b.path('x/y/z/file')), '1');
    }),
    test('mkdir: a file of the name stays', async (b) => {
      await b.write(b.path('file'), '1');
      await rejects(b.fs.mkdir(b.path('file')), 'SHARDFEED_EXISTS');
      assert.equal(await b.text(b.path('file')), '1');
    }),
    test('freeSpace: is there as the capabilities say', async (b) => {
      assert.equal(b.fs.freeSpace !== undefined, b.fs.capabilities.freeSpace === true);
      if (b.fs.freeSpace === undefined) return;
      assert((await b.fs.freeSpace(b.root)) >= 0);
      assert((await b.fs.freeSpace(b.path('not/yet/made'))) >= 0);
    }),
  ];
}
