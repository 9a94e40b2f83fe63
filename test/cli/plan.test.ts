import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { convert } from '../../src/index.js';
import { scratchFolder } from '../files/scratch.js';
import { run } from './run.js';

const root = await scratchFolder();
const data = join(root, 'data');
await convert({ input: Array.from({ length: 100 }, (_, id) => ({ id })), output: data, partitions: 3 });

describe('plan', () => {
  test('lists each rank, and the steps of all', async () => {
    const { code, stdout, stderr } = await run(['plan', data, '--workers', '4', '--batch-size', '16']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/rank\s+rows\/step\s+records\s+files\s+ranges\s+bytes read/);
    expect(lines.slice(1, 5).map((line) => line.trim().split(/\s+/).slice(0, 3))).toEqual([
      ['0', '4', '28'],
      ['1', '4', '24'],
      ['2', '4', '24'],
      ['3', '4', '24'],
    ]);
    expect(stdout).toContain('100 records in 3 files: 7 steps of 16 rows for every rank, 12 rows of padding');
    expect(stdout).toContain("order: the dataset's own");
  });

  test('as JSON says all of it, with the quality of a shuffle', async () => {
    const shuffled = ['--shuffle', 'windows', '--window', '64', '--block', '4', '--lanes', '8', '--seed', '-3'];
    const { code, stdout } = await run([
      'plan',
      data,
      ...shuffled,
      '--batch-size',
      '16',
      '--shuffle-quality',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      mode: 'record',
      records: 100,
      steps: 7,
      seed: -3,
      order: { kind: 'windows', lanes: 8, window: 64, block: 4 },
      ranks: [{ rank: 0, rowsPerStep: 16, records: 100, files: 3 }],
      quality: { order: { records: 100 }, buffer: { records: 100 } },
    });
  });

  test('asks each worker for its host, and knows local disks belong to nobody', async () => {
    const ran = await run(['plan', data, '--workers', '2', '--hosts', 'a,b', '--shuffle', 'windows', '--json']);
    expect(JSON.parse(ran.stdout).ranks.map((rank: { localBytes: number }) => rank.localBytes)).toEqual([0, 0]);
    const missing = await run(['plan', data, '--workers', '3', '--hosts', 'a,b']);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('hosts of 2 ranks, worldSize is 3') });
  });

  test('shows a plan that reads too much, and fails unless that is allowed', async () => {
    const big = join(root, 'big');
    await convert({ input: Array.from({ length: 200_000 }, (_, id) => ({ id })), output: big });
    const args = ['plan', big, '--workers', '3', '--shuffle', 'windows', '--lanes', '1', '--batch-size', '9'];
    const refused = await run(args);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('3 workers share 1 lanes');
    expect(refused.stderr).toMatch(/reads 3\.0 x the bytes; --allow-amplification accepts that/);
    expect((await run([...args, '--allow-amplification'])).code).toBe(0);
  });

  test('says what is wrong with options', async () => {
    for (const [args, message] of [
      [['--workers', '4', '--mode', 'file'], '1 would have nothing to do'],
      [['--window', '5'], 'belong to --shuffle windows'],
      [['--batch-size', '2', '--workers', '3'], 'leaves some of 3 ranks without any'],
      [['--batch-size', '12', '--tail', 'error'], '4 are left'],
      [['--worker', '3'], 'did you mean --workers'],
    ] as const) {
      const { code, stdout, stderr } = await run(['plan', data, ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(message);
    }
    expect(await run(['plan', join(root, 'nothing')])).toMatchObject({ code: 1, stdout: '' });
  });
});
