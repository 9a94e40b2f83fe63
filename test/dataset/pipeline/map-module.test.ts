import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
// Worker threads run built files, so the built package is what is tested here.
import { BatchStream, type MapModule, type Positioned } from '../../../dist/dataset/index.js';
import type { Batch, BytesColumn, FixedColumn } from '../../../src/records/index.js';
import { scratchFolder } from '../../files/scratch.js';
import { collect } from '../../support/collect.js';
import { failureOf, ids, Numbered, type NumberedPosition } from './numbered.js';

const folder = await scratchFolder();
const path = join(folder, 'functions.mjs');
await writeFile(
  path,
  `import { setTimeout as sleep } from 'node:timers/promises';
  const each = (batch, f) => ({ ...batch, columns: { id: { ...batch.columns.id, values: batch.columns.id.values.map(f) } } });
  export default (batch) => each(batch, (id) => -id);
  export const plus = (batch, data) => each(batch, (id) => id + data.plus);
  export async function slow(batch) {
    await sleep(Math.abs((batch.columns.id.values[0] * 7919) % 13)); // as long as chance has it
    return batch;
  }
  export const slowly = async (batch) => { await sleep(1); return batch; };
  export const stuck = () => new Promise(() => {});
  export const views = ({ size, mask }) => {
    const values = new Float32Array(1000).subarray(10, 10 + size).fill(0.5);
    const text = { layout: 'bytes', shape: [], data: Buffer.from('ab'), offsets: Int32Array.of(0, 1, 2) };
    return { size, mask, columns: { values: { layout: 'fixed', shape: [], values }, text, same: text } };
  };
  export const nothing = () => undefined;
  export const closure = (batch) => ({ ...batch, f: () => 1 });
  export const fails = (batch) => { if (batch.position.done === 3) throw new RangeError('third'); return batch; };`,
);
const module = pathToFileURL(path);

/** The numbered batches as a stream of the built package. */
function stream(source: Numbered): BatchStream<Batch, NumberedPosition> {
  return new BatchStream(source.stream.source);
}

test('the function of a module gives what it gave here, in order, with the positions as they were', async () => {
  for (const threads of [1, 3]) {
    const batches = await collect(stream(new Numbered({ batches: 40 })).map({ module, export: 'slow', threads }));
    expect(batches.map((batch) => ids(batch)[0])).toEqual(Array.from({ length: 40 }, (_, i) => i * 100));
    expect(batches.map(({ position }) => position.done)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  }
});

test.each<[string, Partial<MapModule>, number]>([
  ['the default export of a URL', {}, -1],
  ['a path', { module: path }, -1],
  ['a named export with data', { export: 'plus', data: { plus: 5 } }, 6],
])('%s', async (_, options, second) => {
  const [batch] = await collect(stream(new Numbered()).map({ module, threads: 1, ...options }));
  expect(ids(batch!)[1]).toBe(second);
});

describe('memory', () => {
  /** The batches that went into the threads. */
  async function run(borrowed: boolean): Promise<Positioned[]> {
    const batches: Positioned[] = [];
    const source = new Numbered({ borrowed }).stream.source;
    const noted = new BatchStream<Batch, NumberedPosition>({
      ...source,
      async *open(start) {
        for await (const batch of source.open(start)) {
          batches.push(batch);
          yield batch;
        }
      },
    });
    const results = await collect(noted.map({ module, threads: 1 }));
    expect(results.map((batch) => ids(batch)[1])).toEqual([-1, -101, -201, -301, -401]);
    return batches;
  }
  const bytes = ({ columns }: Batch) => (columns.id as FixedColumn).values.byteLength;

  test('is given to the thread', async () => {
    expect((await run(false)).map(bytes)).toEqual([0, 0, 0, 0, 0]);
  });

  test('that is borrowed is copied', async () => {
    expect((await run(true)).map(bytes)).toEqual([16, 16, 16, 16, 16]);
  });

  test('of a part of a larger buffer comes back without the rest', async () => {
    const [batch] = await collect(stream(new Numbered()).map({ module, export: 'views', threads: 1 }));
    const { values, text, same } = batch!.columns;
    expect(values).toMatchObject({ values: Float32Array.of(0.5, 0.5) });
    expect((values as FixedColumn).values.buffer.byteLength).toBe(8);
    expect(text).toEqual({
      layout: 'bytes',
      shape: [],
      data: Uint8Array.from([97, 98]),
      offsets: Int32Array.of(0, 1, 2),
    });
    expect(same).toEqual(text);
    expect((text as BytesColumn).data.buffer.byteLength).toBe(2);
  });
});

describe('errors', () => {
  const mapped = (options: Partial<MapModule>, source = new Numbered()) =>
    stream(source).map({ module, threads: 2, ...options });

  test('of the function come in their turn, with the operation and the position', async () => {
    const source = new Numbered();
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const { position } of mapped({ export: 'fails' }, source)) seen.push(position.done);
    };
    await expect(read()).rejects.toMatchObject({
      code: 'SHARDFEED_PIPELINE',
      message: `map ${JSON.stringify(module.href)} (operation 1 of the stream) failed on the batch at position {"epoch":0,"done":3}: third`,
    });
    expect(seen).toEqual([1, 2]);
    expect(source.open).toBe(0);
  });

  test.each<[Partial<MapModule>, string, RegExp]>([
    [{ export: 'missing' }, 'SHARDFEED_USAGE', /exports no function "missing", but closure, default, fails/],
    [{ module: join(folder, 'none.mjs') }, 'SHARDFEED_PIPELINE', /none\.mjs/],
    [{ export: 'nothing' }, 'SHARDFEED_USAGE', /it returned nothing: a batch/],
    [{ export: 'closure' }, 'SHARDFEED_PIPELINE', /could not be cloned/],
  ])('%j', async (options, code, message) => {
    expect(await failureOf(mapped(options))).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('data or batches that cannot be copied', async () => {
    expect(await failureOf(mapped({ data: () => 1 }))).toMatchObject({ name: 'DataCloneError' });
    const strange = stream(new Numbered()).map((batch) => ({ ...batch, f: () => 1 }));
    expect(await failureOf(strange.map({ module, threads: 1 }))).toMatchObject({ code: 'SHARDFEED_PIPELINE' });
  });

  test('no threads', () => {
    expect(() => mapped({ threads: 0 })).toThrow(expect.objectContaining({ code: 'SHARDFEED_USAGE' }));
  });
});

test('an abort, or a consumer that stops, ends threads that are stuck', async () => {
  const controller = new AbortController();
  const source = new Numbered({ signal: controller.signal });
  const stuck = stream(source).map({ module, export: 'stuck', threads: 2 });
  const iterator = stuck[Symbol.asyncIterator]();
  const pending = iterator.next();
  while (source.made < 4) await sleep(1);
  await iterator.return?.();
  expect(await pending).toEqual({ done: true, value: undefined });
  const aborted = failureOf(stuck);
  while (source.made < 8) await sleep(1);
  controller.abort();
  expect(await aborted).toMatchObject({ code: 'SHARDFEED_ABORTED' });
  expect(source.open).toBe(0);
});

test.each(['break', 'throw new Error("loop")', ''])('a process that leaves the loop by %j can exit', (leave) => {
  const program = `
    import { BatchStream } from ${JSON.stringify(new URL('../../../dist/dataset/index.js', import.meta.url).href)};
    const mask = () => new Uint8Array(2);
    const stream = new BatchStream({
      async *open() {
        for (let done = 1; done < 9; done++) yield { size: 2, columns: {}, mask: mask(), position: { done } };
      },
    });
    const mapped = stream.map({ module: ${JSON.stringify(module.href)}, export: 'slowly', threads: 2 }).prefetch();
    try {
      for await (const { position } of mapped) if (position.done === 2) { ${leave} }
    } catch (error) {
      console.log(error.message);
    }
    console.log('out');`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  expect(output).toBe(leave.startsWith('throw') ? 'loop\nout\n' : 'out\n');
});
