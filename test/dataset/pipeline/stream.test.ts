import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { collect } from '../../support/collect.js';
import { failureOf, firsts, Numbered, numbered } from './numbered.js';

/** Every operation at once. */
const all = ({ stream }: Numbered) =>
  stream
    .map((batch) => batch)
    .filter(() => [1, 1])
    .skip(1)
    .repeat()
    .take(1000);

test('nothing is opened before the first batch is asked for, and every iteration is a read of its own', async () => {
  const source = new Numbered();
  const stream = all(source);
  const one = stream[Symbol.asyncIterator]();
  const two = stream[Symbol.asyncIterator]();
  expect(source.opened).toBe(0);
  for (let i = 0; i < 3; i++) expect((await one.next()).value).toEqual((await two.next()).value);
  expect(source.open).toBe(2);
  await one.return?.();
  await two.return?.();
  expect(source.open).toBe(0);
});

describe('a read ends and releases what it held', () => {
  test('by break, by an error of the loop, by asyncDispose', async () => {
    const source = new Numbered();
    for await (const _ of all(source)) break;
    expect(source).toMatchObject({ opened: 1, open: 0 });
    const loop = async (): Promise<void> => {
      for await (const _ of all(source)) throw new Error('loop');
    };
    await expect(loop()).rejects.toThrow('loop');
    expect(source).toMatchObject({ opened: 2, open: 0 });
    const iterator = all(source)[Symbol.asyncIterator]();
    await iterator.next();
    await iterator[Symbol.asyncDispose]();
    expect(source).toMatchObject({ opened: 3, open: 0 });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('by return while a batch is awaited', async () => {
    const wait = (signal: AbortSignal) => sleep(1 << 30, undefined, { signal });
    const source = new Numbered({ wait });
    const iterator = all(source)[Symbol.asyncIterator]();
    const pending = iterator.next();
    await sleep(1);
    expect(source.open).toBe(1);
    await iterator.return?.();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(source.open).toBe(0);
  });

  test('by the signal, while a batch is awaited or between two', async () => {
    const controller = new AbortController();
    const wait = (signal: AbortSignal) => sleep(1 << 30, undefined, { signal });
    const waiting = new Numbered({ wait, signal: controller.signal });
    const between = new Numbered({ signal: controller.signal });
    const iterator = all(between)[Symbol.asyncIterator]();
    await iterator.next();
    setTimeout(() => controller.abort(new Error('enough')), 1);
    expect(await failureOf(all(waiting))).toMatchObject({ code: 'SHARDFEED_ABORTED', cause: new Error('enough') });
    await expect(iterator.next()).rejects.toMatchObject({ code: 'SHARDFEED_ABORTED' });
    expect([waiting.open, between.open]).toEqual([0, 0]);
    expect(await failureOf(all(between))).toMatchObject({ code: 'SHARDFEED_ABORTED' });
    expect(between.opened).toBe(1);
  });

  test('by an error of the source', async () => {
    const source = new Numbered({ wait: () => Promise.reject(new Error('disk')) });
    expect(await failureOf(all(source))).toEqual(new Error('disk'));
    expect(source.open).toBe(0);
  });
});

describe('from', () => {
  test('an undefined position is the beginning', async () => {
    expect(await firsts(numbered().from(undefined))).toEqual(await firsts(numbered()));
  });

  test('of a stream that is built upon', async () => {
    expect(await firsts(numbered().from({ epoch: 3, done: 2 }).take(2))).toEqual([3200, 3300]);
    const stream = numbered().from({ epoch: 3, done: 2 }).take(2);
    const [first] = await collect(stream);
    expect(await firsts(stream.from(first!.position))).toEqual([3300]);
  });

  test('a position of another stream is refused', async () => {
    const [batch] = await collect(numbered().repeat(1));
    const error = await failureOf(
      numbered()
        .take(2)
        .from(batch!.position as never),
    );
    expect(error).toMatchObject({
      code: 'SHARDFEED_POSITION',
      message: expect.stringContaining('it is of another stream'),
    });
  });
});
