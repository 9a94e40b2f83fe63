import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../../src/convert/index.js';
import { scratchFolder } from '../../files/scratch.js';
import { uniform } from '../model/batches.js';
import { distance } from './ranks.js';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const scratch = await scratchFolder();

interface Outcome {
  readonly exitCode: number;
  readonly step?: number;
  readonly ended?: string;
  readonly weights?: string;
  readonly losses?: number[];
}

/** Trains with real processes, as a user starts them; what the last one to end well said. */
async function train(args: readonly string[], options: readonly string[] = []): Promise<Outcome> {
  const command = ['train', pathOf('scripts/train.mjs'), '--workers', '2', ...options, '--', scratch, ...args];
  const child = spawn(process.execPath, [pathOf('../../../dist/cli/main.js'), ...command], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
  const [, json] = /(\{"step".*\})/.exec(output) ?? [];
  return { exitCode, ...(json !== undefined && (JSON.parse(json) as object)) };
}

const forget = (): Promise<void> => rm(join(scratch, 'saved'), { recursive: true, force: true });
let whole: Outcome;

beforeAll(async () => {
  const next = uniform(1);
  const rows = Array.from({ length: 500 }, () => {
    const x = [next(), next(), next(), next()];
    return { x, label: Number(x[0]! + x[1]! * 0.5 + next() * 0.3 > 0) };
  });
  const spec = {
    features: [
      { name: 'x', kind: 'float', shape: [4] },
      { name: 'label', kind: 'int64', shape: [] },
    ],
  } as const;
  await convert({ input: rows, output: join(scratch, 'data'), spec, partitions: 3 });
  whole = await train(['3']);
  await forget();
});

describe('two processes', () => {
  it.each([
    [1, 10],
    [2, 6],
  ])('normalise over the rows of both, %i batches a step, until neither has any', async (accumulate, step) => {
    const [both, alone] = await Promise.all(
      ['2', '1'].map(async (workers) => {
        const command = ['train', pathOf('scripts/uneven.mjs'), '--workers', workers, '--max-restarts', '0', '--'];
        const child = spawn(process.execPath, [pathOf('../../../dist/cli/main.js'), ...command, String(accumulate)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
        expect(exitCode).toBe(0);
        return [...output.matchAll(/\{.*\}/g)].map(([json]) => JSON.parse(json) as { step: number; weights: number[] });
      }),
    );
    expect(both!.map((rank) => rank.step)).toEqual([step, step]);
    expect(both![1]).toEqual(both![0]);
    expect(distance(both![0]!.weights, alone![0]!.weights)).toBeLessThan(1e-5);
  });

  it('train to the end', () => {
    expect(whole).toMatchObject({ exitCode: 0, step: 24, ended: 'complete' });
  });

  it.each(['kill=0@7', 'kill=1@17', 'throw=1@12'])('come to the same bits through %s and a restart', async (fault) => {
    expect(await train(['3', fault], ['--max-restarts', '1'])).toEqual(whole);
    await forget();
  });

  it('stop on SIGTERM with code 75, and go on when started again', async () => {
    const stopped = await train(['3', 'stop@9']);
    expect(stopped).toMatchObject({ exitCode: 75, ended: 'stopped' });
    expect(stopped.step).toBeGreaterThanOrEqual(10);
    expect(stopped.step).toBeLessThan(24);
    expect(await train(['3'])).toEqual(whole);
    await forget();
  });
});
