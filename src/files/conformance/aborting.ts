import assert from 'node:assert/strict';
import {
  type Bench,
  type ConformanceCase,
  type ConformanceTarget,
  collect,
  defineCase,
  pattern,
  rejects,
} from './case.js';

export function abortCases(target: ConformanceTarget): ConformanceCase[] {
  const test = (name: string, body: (bench: Bench) => Promise<void>) => defineCase(target, name, body);
  const aborted = (reason?: unknown) => ({ signal: AbortSignal.abort(reason) });
  return [
    test('abort: a signal that has fired stops every call before it acts', async (b) => {
      await b.write(b.path('file'), 'x');
      const { fs } = b;
      const file = b.path('file');
      const calls: [name: string, call: () => Promise<unknown>][] = [
        ['stat', () => fs.stat(file, aborted())],
        ['list', () => collect(fs.list(b.root, aborted()))],
        ['read', () => collect(fs.read(file, aborted()))],
        ['create', () => fs.create(b.path('new'), aborted())],
        ['create overwrite', () => fs.create(file, { ...aborted(), overwrite: true })],
        ['rename', () => fs.rename(file, b.path('new'), aborted())],
        ['delete', () => fs.delete(file, aborted())],
        ['mkdir', () => fs.mkdir(b.path('new'), aborted())],
        ['freeSpace', async () => fs.freeSpace?.(b.root, aborted()) ?? fs.stat(file, aborted())],
        ['replaceFile', async () => fs.replaceFile?.(file, b.path('new'), aborted()) ?? fs.stat(file, aborted())],
      ];
      for (const [name, call] of calls) {
        await rejects(call(), 'SHARDFEED_ABORTED').catch((error: unknown) => {
          throw new assert.AssertionError({ message: `${name}: ${String(error)}` });
        });
      }
      assert.deepEqual(await b.names(b.root), ['file']);
      assert.equal(await b.text(file), 'x');
    }),
    test('abort: the reason is the cause', async (b) => {
      const reason = new Error('enough');
      const error = await rejects(b.fs.stat(b.root, aborted(reason)), 'SHARDFEED_ABORTED');
      assert.equal(error.cause, reason);
    }),
    test('abort: between two chunks of a read', async (b) => {
      const path = await b.write(b.path('big'), pattern(6 << 20));
      const controller = new AbortController();
      let received = 0;
      const reading = (async () => {
        for await (const chunk of b.fs.read(path, { signal: controller.signal })) {
          received += chunk.length;
          controller.abort();
        }
      })();
      await rejects(reading, 'SHARDFEED_ABORTED');
      assert(received < 6 << 20, 'the whole file came');
    }),
    test('abort: between two writes; the writer can then be aborted', async (b) => {
      const controller = new AbortController();
      const writer = await b.fs.create(b.path('file'), { signal: controller.signal });
      await writer.write(pattern(100_000));
      controller.abort();
      await rejects(writer.write(pattern(100_000)), 'SHARDFEED_ABORTED');
      await rejects(writer.close(), 'SHARDFEED_ABORTED');
      await writer.abort();
      assert.deepEqual(await b.names(b.root), []);
    }),
  ];
}
