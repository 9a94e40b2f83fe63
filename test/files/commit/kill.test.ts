import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SEED } from '../../support/seed.js';

const run = promisify(execFile);

test('processes killed at random moments leave the old dataset or the new one, and the next run cleans up', async () => {
  const campaign = new URL('../../campaigns/kill-commit.mjs', import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [campaign, '--count', '12', '--seed', String(SEED)]);
  expect(stdout).toContain(`12 kills, seed ${SEED}`);
});
