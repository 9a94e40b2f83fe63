import { expect, test } from 'vitest';
import { memoryFileSystem } from '../../src/files/index.js';

test('the capacity bounds what all files hold together', async () => {
  const fs = memoryFileSystem({ capacity: 100 });
  const one = await fs.create('/one');
  await one.write(new Uint8Array(60));
  await one.close();
  expect(await fs.freeSpace!('/')).toBe(40);
  const two = await fs.create('/two');
  await two.write(new Uint8Array(40));
  await expect(two.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'SHARDFEED_NO_SPACE', path: '/two' });
  await two.abort();
  expect(await fs.freeSpace!('/')).toBe(40);
  await fs.delete('/one');
  expect(await fs.freeSpace!('/')).toBe(100);
});

test('each one stands alone', async () => {
  const [a, b] = [memoryFileSystem(), memoryFileSystem()];
  await (await a.create('/x')).close();
  await expect(b.stat('/x')).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
});
