import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { localFileSystem, memoryFileSystem, openFiles } from '../../../src/files/index.js';
import { decodeCheckpoint } from '../../../src/train/checkpoint/decode-checkpoint.js';
import { encodeCheckpoint } from '../../../src/train/checkpoint/encode-checkpoint.js';
import {
  type Checkpoint,
  type CheckpointArray,
  flatTensors,
  listCheckpoints,
  loadCheckpoint,
  restoreTensors,
  saveCheckpoint,
  verifyCheckpoints,
} from '../../../src/train/checkpoint/index.js';
import { layOut } from '../../../src/train/parameters.js';
import { run as runTool } from '../../cli/run.js';
import { Crash, dying, hooked } from '../../files/faulty.js';
import { scratchFolder } from '../../files/scratch.js';
import { SEED } from '../../support/seed.js';
import { checkpointConformance } from './conformance.js';
import { stateOf } from './states.js';

const run = promisify(execFile);
const scratch = await scratchFolder();
let folder = '';
let folders = 0;
beforeEach(() => {
  folder = join(scratch, String(folders++));
});

const name = (step: number): string => `step-${String(step).padStart(12, '0')}.safetensors`;
const at = (step: number): string => join(folder, name(step));
const steps = async (): Promise<number[]> => (await listCheckpoints(folder)).map(({ step }) => step);
const save = (step: number, options = {}, info = {}) => saveCheckpoint(folder, stateOf(step, info), options);

async function flip(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset]! ^= 1 << (offset % 8);
  await writeFile(path, bytes);
}

describe('format', () => {
  test('is safetensors: length, header, padding, tensors in a row, wide types first and aligned', () => {
    const bytes = Buffer.from(encodeCheckpoint(stateOf(5)));
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString('utf8', 8, 8 + length));
    expect(Object.values(metadata).every((value) => typeof value === 'string')).toBe(true);
    expect(tensors).toEqual({
      counts: { dtype: 'F64', shape: [2], data_offsets: [0, 16] },
      'optimizer/adam/m/dense/kernel': { dtype: 'F32', shape: [30, 10], data_offsets: [16, 1216] },
      random: { dtype: 'I32', shape: [3], data_offsets: [1216, 1228] },
      'weights/dense/kernel': { dtype: 'F32', shape: [30, 10], data_offsets: [1228, 2428] },
    });
    expect(bytes.length).toBe(8 + length + 2428);
    expect(bytes.readFloatLE(8 + length + 1228)).toBe(5);
  });

  test('gives back any names, bits and JSON', () => {
    const values = fc.oneof(fc.float32Array(), fc.float64Array(), fc.int32Array(), fc.uint8Array());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), values), fc.jsonValue(), (arrays, extra) => {
        const tensors = Object.fromEntries(
          Object.entries(arrays).map(([key, array]) => [key, { shape: [array.length, 1], values: array }]),
        );
        const { info } = stateOf(3, { extra: { extra }, savedAt: 9 });
        const found = decodeCheckpoint(encodeCheckpoint({ info, tensors }), 'x');
        expect(Object.keys(found.tensors).sort()).toEqual(Object.keys(tensors).sort());
        for (const [key, { shape, values }] of Object.entries(tensors)) {
          expect(found.tensors[key]!.shape).toEqual(shape);
          expect(found.tensors[key]!.values.constructor).toBe(values.constructor);
          const bytesOf = ({ buffer, byteOffset, byteLength }: CheckpointArray) =>
            Buffer.from(buffer, byteOffset, byteLength);
          expect(bytesOf(found.tensors[key]!.values).equals(bytesOf(values))).toBe(true);
        }
        expect(found.info.extra).toEqual(JSON.parse(JSON.stringify({ extra })));
      }),
      { numRuns: 60 },
    );
  });

  test('gives back names that objects take for their own, of tensors, metrics and in JSON', () => {
    const named = <T>(value: T) =>
      Object.fromEntries(['__proto__', 'constructor', 'toString'].map((key) => [key, value]));
    const tensors = named({ shape: [1], values: Float32Array.of(5) });
    const { info } = stateOf(3, { extra: [named(1)], position: named(named(2)), metrics: named(3), savedAt: 9 });
    const found = decodeCheckpoint(encodeCheckpoint({ info, tensors }), 'x');
    expect(Object.entries(found.tensors)).toEqual(Object.entries(tensors));
    for (const key of ['extra', 'position', 'metrics'] as const) {
      expect(JSON.stringify(found.info[key])).toBe(JSON.stringify(info[key]));
    }
  });

  test('every flipped bit and every cut is found', () => {
    const bytes = encodeCheckpoint(stateOf(5));
    const whole = (damaged: Uint8Array): boolean => {
      try {
        decodeCheckpoint(damaged, 'x');
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
        return false;
      }
    };
    expect(whole(bytes)).toBe(true);
    const header = 8 + Number(Buffer.from(bytes.buffer).readBigUInt64LE());
    const padding =
      Buffer.from(bytes.subarray(0, header)).toString().length -
      Buffer.from(bytes.subarray(0, header)).toString().trimEnd().length;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (offset, bit) => {
        fc.pre(offset < header - padding || offset >= header);
        const damaged = new Uint8Array(bytes);
        damaged[offset]! ^= 1 << bit;
        expect(whole(damaged)).toBe(false);
      }),
      { numRuns: 300 },
    );
    for (let length = 0; length < bytes.length; length += 61) expect(whole(bytes.slice(0, length))).toBe(false);
  });

  test('metrics that are not finite come back as NaN', async () => {
    await save(1, {}, { metrics: { loss: Number.NaN, auc: 0.5, worst: Number.POSITIVE_INFINITY } });
    expect((await loadCheckpoint(folder))!.info.metrics).toEqual({ loss: Number.NaN, auc: 0.5, worst: Number.NaN });
  });

  test('what is no such state is refused before anything is written', async () => {
    const { info } = stateOf(1);
    const state = (shape: number[]): Checkpoint => ({ info, tensors: { w: { shape, values: new Float32Array(3) } } });
    await expect(saveCheckpoint(folder, state([2]))).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    await expect(save(-1)).rejects.toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
    await expect(save(1, { keep: 0 })).rejects.toMatchObject({ code: 'SHARDFEED_USAGE' });
    await expect(readdir(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe.each([
  ['memory', () => openFiles({ drivers: { memory: memoryFileSystem() } }), 'memory://'],
  ['local', () => openFiles(), ''],
])('on %s', (_, open, prefix) => {
  checkpointConformance(() => ({ files: open(), folder: `${prefix}${folder}` }));
});

describe('which stay', () => {
  test('the newest `keep`, and the best', async () => {
    const best = { metric: 'loss', mode: 'min' } as const;
    const losses = [5, 2, 4, Number.NaN, 2, 3, 6];
    for (const [i, loss] of losses.entries()) await save(i + 1, { keep: 2, best }, { metrics: { loss } });
    expect(await steps()).toEqual([7, 6, 2]);
    await save(8, { keep: 1, best: { metric: 'loss', mode: 'max' } }, { metrics: { loss: 6 } });
    expect(await steps()).toEqual([8, 7]);
  });

  test('damaged ones do not count, and none goes before the new one is whole', async () => {
    for (const step of [1, 2, 3]) await save(step);
    await truncate(at(3), 1000);
    await save(4, { keep: 2 });
    expect(await steps()).toEqual([4, 3, 2]);
    expect((await loadCheckpoint(folder, { step: 2 }))!.info.step).toBe(2);
    const inner = localFileSystem();
    const full = hooked(inner, (call) => {
      if (call.startsWith('write') && call.includes('_SUCCESS')) throw new Error('full');
    });
    const files = openFiles({ drivers: { file: full } });
    await expect(save(5, { keep: 1, files })).rejects.toThrow('full');
    expect((await readdir(folder)).sort()).toEqual([2, 3, 4].map(name));
  });

  test('a write that reads otherwise never gets its name', async () => {
    await save(1);
    const inner = localFileSystem();
    const files = openFiles({
      drivers: {
        file: hooked(inner, async (call, moment) => {
          const [, path] = /^close (.*_SUCCESS)$/s.exec(call) ?? [];
          if (path !== undefined && moment === 'after') await flip(path, 2000);
        }),
      },
    });
    await expect(save(2, { keep: 1, files })).rejects.toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
    expect(await readdir(folder)).toEqual([name(1)]);
  });
});

describe('a later checkpoint', () => {
  test('that is whole belongs to somebody else, unless training was rewound', async () => {
    for (const step of [10, 20, 30]) await save(step);
    await expect(save(15)).rejects.toMatchObject({
      code: 'SHARDFEED_CHECKPOINT',
      message: expect.stringContaining('rewind'),
    });
    await save(15, { rewind: true });
    expect(await steps()).toEqual([15, 10]);
  });

  test('that is damaged is taken away', async () => {
    for (const step of [10, 20]) await save(step);
    await flip(at(20), 1500);
    await save(15);
    expect(await steps()).toEqual([15, 10]);
  });

  test('of the same step is replaced by the same state with other metrics, and not by another state', async () => {
    await save(10);
    await save(10, {}, { metrics: { auc: 1 } });
    expect((await loadCheckpoint(folder))!.info.metrics).toEqual({ auc: 1 });
    const other = { info: stateOf(10).info, tensors: stateOf(11).tensors };
    await expect(saveCheckpoint(folder, other)).rejects.toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
    await flip(at(10), 2000);
    await saveCheckpoint(folder, other);
    expect((await loadCheckpoint(folder))!.tensors.counts!.values[0]).toBe(11);
  });
});

describe('loading', () => {
  const told: string[] = [];
  const onDamaged = (problem: Error): void => void told.push(problem.message);
  beforeEach(() => void told.splice(0));

  test('falls back from damaged ones, and says so', async () => {
    for (const step of [1, 2, 3]) await save(step);
    await truncate(at(3), 0);
    await flip(at(2), 1500);
    expect((await loadCheckpoint(folder, { onDamaged }))!.info.step).toBe(1);
    expect(told).toEqual([expect.stringContaining(name(3)), expect.stringContaining(name(2))]);
    await flip(at(1), 40);
    await expect(loadCheckpoint(folder, { onDamaged })).rejects.toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
  });

  test('a file under another name is damaged', async () => {
    await save(1);
    await writeFile(at(2), await readFile(at(1)));
    expect((await loadCheckpoint(folder, { onDamaged }))!.info.step).toBe(1);
    expect(told).toEqual([expect.stringContaining('renamed')]);
  });

  test('undefined where there is nothing; an error where the step asked for is missing', async () => {
    expect(await loadCheckpoint(folder)).toBeUndefined();
    await mkdir(folder);
    expect(await loadCheckpoint(folder)).toBeUndefined();
    await save(4);
    await expect(loadCheckpoint(folder, { step: 3 })).rejects.toMatchObject({
      code: 'SHARDFEED_NOT_FOUND',
      message: expect.stringContaining('4'),
    });
  });

  test('of another dataset or model is refused, not fallen back from', async () => {
    await save(1, {}, { fingerprint: 'a'.repeat(64) });
    await save(2, {}, { fingerprint: 'b'.repeat(64) });
    await expect(loadCheckpoint(folder, { fingerprint: 'a'.repeat(64) })).rejects.toMatchObject({
      code: 'SHARDFEED_CHECKPOINT',
      message: expect.stringContaining('bbbb'),
    });
    const checkpoint = (await loadCheckpoint(folder))!;
    const layout = layOut([{ name: 'dense/kernel', shape: [30, 10] }]);
    const flat = new Float32Array(300);
    const { 'weights/dense/kernel': _, ...rest } = checkpoint.tensors;
    expect(() => restoreTensors(checkpoint, flatTensors('weights/', layout, flat))).toThrow(
      /of another model.*has.*counts/,
    );
    expect(() => restoreTensors(checkpoint, { ...checkpoint.tensors, b: rest.counts! })).toThrow(/lacks b/);
    const turned = { shape: [10, 30], values: flat };
    expect(() => restoreTensors(checkpoint, { ...rest, 'weights/dense/kernel': turned })).toThrow(
      /\[30, 10\].*\[10, 30\]/,
    );
    expect(flat.every((x) => x === 0)).toBe(true);
    restoreTensors(checkpoint, { ...rest, ...flatTensors('weights/', layout, flat) });
    expect(flat).toEqual(stateOf(2).tensors['weights/dense/kernel']!.values);
  });
});

describe.each([
  ['memory', memoryFileSystem(), 'memory://'],
  ['local', localFileSystem(), ''],
])('%s: death at any moment of a save', (_, inner, prefix) => {
  test('leaves the one before or the new one, whole', async () => {
    const saved = new Set<number>();
    for (let n = 0; ; n++) {
      const uri = `${prefix}${folder}/${n}`;
      const open = (fs: typeof inner) => openFiles({ drivers: { memory: fs, file: fs } });
      const files = open(inner);
      await saveCheckpoint(uri, stateOf(1), { files });
      const { fs, log, bury } = dying(inner, n, 'after');
      const died = await saveCheckpoint(uri, stateOf(2), { files: open(fs), keep: 1 }).catch((error: unknown) => error);
      await bury();
      if (died instanceof Error && !(died instanceof Crash)) throw died;
      const found = (await loadCheckpoint(uri, { files }))!;
      saved.add(found.info.step);
      expect(found.tensors).toEqual(stateOf(found.info.step).tensors);
      expect((await verifyCheckpoints(uri, { files })).some(({ problem }) => problem !== undefined)).toBe(false);
      if (!(died instanceof Error)) {
        expect(log.length).toBeGreaterThan(5);
        break;
      }
    }
    expect([...saved].sort()).toEqual([1, 2]);
  });
});

test('processes killed at random moments of saves leave whole checkpoints, and the next one sweeps', async () => {
  const campaign = new URL('../../campaigns/kill-checkpoint.mjs', import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [campaign, '--count', '8', '--seed', String(SEED)]);
  expect(stdout).toContain(`8 kills, seed ${SEED}`);
});

test('two writers: of one step, and of different ones, every name leads to a whole checkpoint', async () => {
  const saves = [10, 10, 10, 11].map((step) => save(step).catch((error: unknown) => error));
  for (const result of await Promise.all(saves)) {
    if (result instanceof Error) expect(result).toMatchObject({ code: 'SHARDFEED_CHECKPOINT' });
  }
  const found = await verifyCheckpoints(folder);
  expect(found.filter(({ problem }) => problem !== undefined)).toEqual([]);
  expect(found[0]!.step).toBe(11);
});

test('a full disk leaves the older ones, and no rest', async () => {
  const size = encodeCheckpoint(stateOf(1)).length;
  const files = openFiles({ drivers: { memory: memoryFileSystem({ capacity: 2.5 * size }) } });
  await saveCheckpoint('memory:///c', stateOf(1), { files });
  await saveCheckpoint('memory:///c', stateOf(2), { files });
  await expect(saveCheckpoint('memory:///c', stateOf(3), { files, keep: 1 })).rejects.toMatchObject({
    code: 'SHARDFEED_NO_SPACE',
  });
  expect((await verifyCheckpoints('memory:///c', { files })).map(({ step, problem }) => [step, problem])).toEqual([
    [2, undefined],
    [1, undefined],
  ]);
  const { fs } = files.resolve('memory:///c');
  const names: string[] = [];
  for await (const { path } of fs.list('/c')) names.push(path);
  expect(names).toHaveLength(2);
});

describe('shardfeed checkpoint', () => {
  test('ls and verify tell what is there and what is damaged', async () => {
    await save(100, {}, { metrics: { auc: 0.75 } });
    await save(200);
    const ls = await runTool(['checkpoint', 'ls', folder]);
    expect(ls).toMatchObject({ code: 0, stderr: '' });
    expect(ls.stdout).toMatch(/step +epoch.*\n +200 .*\n +100 .*auc 0.75/);
    expect(await runTool(['checkpoint', 'verify', folder])).toMatchObject({
      code: 0,
      stdout: 'ok: 2 whole checkpoints\n',
    });
    await flip(at(200), 2000);
    const { checkpoints } = JSON.parse((await runTool(['checkpoint', 'verify', folder, '--json'])).stdout);
    expect(checkpoints).toMatchObject([{ step: 200, problem: expect.any(String) }, { step: 100 }]);
    expect(await runTool(['checkpoint', 'verify', folder])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(name(200)),
    });
    await rm(folder, { recursive: true });
    expect(await runTool(['checkpoint', 'ls', folder])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NOT_FOUND'),
    });
    expect(await runTool(['checkpoint', 'ls'])).toMatchObject({ code: 2 });
  });
});
