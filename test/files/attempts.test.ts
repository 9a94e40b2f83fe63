import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ShardfeedError } from '../../src/errors.js';
import { Attempts, memoryFileSystem, putFile, untilWritten } from '../../src/files/index.js';

const interrupted = () => new ShardfeedError('SHARDFEED_WRITE_INTERRUPTED', 'it broke off', { path: '/x' });

/** Rejects when the signal fires, and never otherwise. */
function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(new ShardfeedError('SHARDFEED_ABORTED', 'aborted'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

test('what was interrupted is tried again, with the time that is left', async () => {
  const attempts = new Attempts('/x', {}, 200);
  let calls = 0;
  const write = async (): Promise<never> => {
    calls++;
    if (calls > 1) return attempts.call(() => silence(attempts.signal));
    return attempts.call(async () => {
      throw interrupted();
    });
  };
  await expect(untilWritten(attempts, write)).rejects.toMatchObject({
    code: 'SHARDFEED_WRITE_INTERRUPTED',
    message: '/x was written 2 times from its start and interrupted each time, lastly: it broke off',
    path: '/x',
  });
  expect(calls).toBe(2);
});

test('attempts that each wait long are fewer', async () => {
  const attempts = new Attempts('/x', {}, 100);
  let calls = 0;
  const write = (): Promise<never> =>
    attempts.call(async () => {
      calls++;
      await sleep(60);
      throw interrupted();
    });
  await expect(untilWritten(attempts, write)).rejects.toMatchObject({ code: 'SHARDFEED_WRITE_INTERRUPTED' });
  expect(calls).toBe(2);
});

test('time between calls, and in calls that succeed, is not counted', async () => {
  const attempts = new Attempts('/x', {}, 100);
  let calls = 0;
  const write = async (): Promise<string> => {
    await sleep(120);
    await attempts.call(() => sleep(60));
    return attempts.call(async () => {
      if (++calls < 4) throw interrupted();
      return 'done';
    });
  };
  expect(await untilWritten(attempts, write)).toBe('done');
  expect(attempts.signal.aborted).toBe(false);
});

test("the caller's signal ends it as such", async () => {
  const controller = new AbortController();
  const attempts = new Attempts('/x', { signal: controller.signal });
  const writing = untilWritten(attempts, () => attempts.call(() => silence(attempts.signal)));
  controller.abort('enough');
  await expect(writing).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
});

test('a file that is put is whole, and is put again', async () => {
  const fs = memoryFileSystem();
  let left = 2;
  const flaky = {
    create: async (...args: Parameters<typeof fs.create>) => {
      const writer = await fs.create(...args);
      return {
        ...writer,
        write: (bytes: Uint8Array) => writer.write(bytes),
        abort: () => writer.abort(),
        close: async () => {
          if (left-- > 0) throw interrupted();
          await writer.close();
        },
      };
    },
  };
  await putFile(flaky, '/x', 'content');
  const chunks: Uint8Array[] = [];
  for await (const chunk of fs.read('/x')) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('content');
});
