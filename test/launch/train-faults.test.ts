import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LaunchEvent } from '../../src/launch/index.js';
import { checkHistory, killTrainCampaign, makeDataset, train } from '../campaigns/kill-train.mjs';
import { localPlace } from '../campaigns/places.mjs';
import { start } from '../cli/run.js';
import { scratchFolder } from '../files/scratch.js';
import { SEED } from '../support/seed.js';
import { isAlive, until } from './processes.js';

const place = localPlace();
beforeAll(() => makeDataset(place));
afterAll(() => place.remove(''));
let folders = 0;
const folder = (): string => `checkpoints-${folders++}`;

describe('trainings whose ranks are killed', () => {
  const PHASES = ['rendezvous', 'forward', 'collective', 'write', 'rename', 'evaluate'] as const;
  test('go on to the same bits, whatever they were doing', async () => {
    const found = await killTrainCampaign({ count: PHASES.length, seed: SEED });
    for (const phase of PHASES) expect(found.kills[phase], phase).toBeGreaterThan(0);
  });

  test('that lose a record, or deliver one twice, would be noticed', async () => {
    const { journals, launched } = await train({ place, folder: folder(), workers: 2, maxRestarts: 0 });
    expect(launched.exitCode).toBe(0);
    checkHistory(journals);
    const changed = (change: (ids: readonly number[]) => number[]) =>
      journals.map((lines) => lines.map((line) => (line.step === 3 ? { ...line, ids: change(line.ids!) } : line)));
    expect(() => checkHistory(changed((ids) => ids.slice(1)))).toThrow(/298 records/);
    expect(() => checkHistory(changed(([, ...ids]) => [ids[0]!, ...ids]))).toThrow(/298 different/);
    const again = journals.map((lines) => [...lines, ...lines.filter(({ step }) => step === 5)]);
    expect(() => checkHistory(again)).toThrow(/step 5 was made 2 times/);
  });
});

describe('trainings', () => {
  test('that are stopped save, and go on to the same bits', async () => {
    const there = folder();
    const stop = new AbortController();
    const config = { slow: { rank: 0, ms: 20 } };
    const onEvent = (event: LaunchEvent): void => {
      if (event.type === 'report' && Number(event.step) >= 4) stop.abort();
    };
    const stopped = await train({
      place,
      folder: there,
      workers: 2,
      maxRestarts: 3,
      stop: stop.signal,
      onEvent,
      config,
    });
    expect(stopped.launched).toMatchObject({ exitCode: 75, attempts: 1 });
    expect(stopped.weights).toHaveLength(2);
    const resumed = await train({ place, folder: there, workers: 2, maxRestarts: 0 });
    expect(resumed.launched.exitCode).toBe(0);
    const begun = resumed.journals[0]!.find(({ from }) => from !== undefined)!.from!;
    expect(begun).toBeGreaterThan(3);
    const undisturbed = await train({ place, folder: folder(), workers: 2, maxRestarts: 0 });
    expect(resumed.weights.every((bytes) => bytes.equals(undisturbed.weights[0]!))).toBe(true);
    // The two runs as attempts of one.
    const both = resumed.journals.map((lines, rank) => [
      ...stopped.journals[rank]!,
      ...lines.map((line) => ({ ...line, attempt: 1 })),
    ]);
    checkHistory(both);
  });

  test('that get nowhere go on with fewer ranks, in the same order', async () => {
    const blows = [0, 1].map((attempt) => ({ attempt, rank: 2, phase: 'forward' as const, step: 1, micros: 10 }));
    const options = { place, folder: folder(), workers: 3, minWorkers: 2, maxRestarts: 3, pause: 0.05 };
    const { launched, journals } = await train({ ...options, config: { blows } });
    expect(launched).toMatchObject({ exitCode: 0, attempts: 3, workers: 2 });
    checkHistory(journals);
  });
});

describe('ranks that are', () => {
  const deadlines = { silence: 2, step: 3 };
  const run = (config: Parameters<typeof train>[0]['config']) =>
    train({ place, folder: folder(), workers: 2, maxRestarts: 0, linger: 2, config: { deadlines, ...config } });

  test('stopped by SIGSTOP are named dead', async () => {
    const { launched } = await run({ blows: [{ rank: 1, phase: 'forward', step: 4, act: 'stop' }] });
    expect(launched).toMatchObject({ exitCode: 1, culprit: { rank: 1 } });
  });

  test('computing for ever are named stuck', async () => {
    const { launched } = await run({ blows: [{ rank: 0, phase: 'forward', step: 4, act: 'spin' }] });
    expect(launched).toMatchObject({ exitCode: 1, culprit: { rank: 0, phase: 'step', step: 4 } });
  });

  test('three times slower than others are waited for', async () => {
    const { launched, journals } = await run({ slow: { rank: 1, ms: 120 } });
    expect(launched).toMatchObject({ exitCode: 0, attempts: 1 });
    checkHistory(journals);
  });
});

test('a launcher that is killed amid a collective leaves no process and no shared memory', async () => {
  const journal = await scratchFolder();
  const config = {
    ...{
      uri: place.uri('dataset'),
      folder: place.uri(folder()),
      journal,
      epochs: 2,
      seed: 5,
      batchSize: 40,
      saveEvery: 3,
    },
    blows: [{ rank: 0, phase: 'forward', step: 4, act: 'spin' }],
  };
  const rank = fileURLToPath(new URL('../campaigns/train-rank.mjs', import.meta.url));
  const child = start(['train', rank, '--workers', '2', '--json', '--', JSON.stringify(config)]);
  const [line] = await once(child.stdout!, 'data');
  const { pids } = JSON.parse(String(line).split('\n')[0]!) as { pids: number[] };
  const reached = (name: string) => readFile(join(journal, name), 'utf8').then((text) => text.includes('"step":4'));
  await until(async () => (await Promise.all(['rank-0', 'rank-1'].map(reached)).catch(() => [false])).every(Boolean));
  child.kill('SIGKILL');
  await until(() => !pids.some(isAlive), 5_000);
  const left = readdirSync('/dev/shm').filter((name) => name.startsWith('shardfeed'));
  expect(left).toEqual([]);
});
