import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a slice of the campaign of mutated CSV text', async () => {
  const campaign = fileURLToPath(new URL('../../campaigns/fuzz-csv.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [campaign, '--count', '5000', '--seed', '7']);
  expect(stdout).toMatch(/^5000 inputs, seed 7/);
});
