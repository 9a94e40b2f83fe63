import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a slice of the campaign of mutated records', async () => {
  const campaign = fileURLToPath(new URL('../campaigns/fuzz-records.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [campaign, '--count', '6000', '--seed', '7']);
  expect(stdout).toMatch(/^6000 inputs, seed 7/);
});
