import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { collect } from '../../support/collect.js';
import { failureOf, Numbered, numbered } from '../pipeline/numbered.js';

describe('rows', () => {
  test('are those that count, as objects', async () => {
    const stream = numbered({ batches: 2, rows: 3 }).filter(({ mask }) => mask.map((_, i) => (i === 1 ? 0 : 1)));
    expect(await collect(stream.rows())).toEqual([0, 2, 100, 102].map((id) => ({ id })));
  });

  test('release everything where they are left', async () => {
    const source = new Numbered();
    for await (const row of source.stream.rows()) if (row.id === 1) break;
    expect(source).toMatchObject({ opened: 1, open: 0, made: 1 });
  });
});

describe('a web stream', () => {
  test('gives the batches, one when it is asked for one', async () => {
    const source = new Numbered();
    const reader = source.stream.toReadableStream().getReader();
    await sleep(2);
    expect(source.opened).toBe(0);
    const { value } = await reader.read();
    await sleep(2);
    expect(value).toMatchObject({ size: 2, position: { epoch: 0, done: 1 } });
    expect(source.made).toBe(1);
    await reader.cancel();
    expect(await collect(numbered().toReadableStream())).toEqual(await collect(numbered()));
  });

  test('that is cancelled releases everything, also while a batch is awaited', async () => {
    const between = new Numbered();
    const one = between.stream.toReadableStream().getReader();
    await one.read();
    await one.cancel();
    expect(between.open).toBe(0);
    const waiting = new Numbered({ wait: (signal) => sleep(1 << 30, undefined, { signal }) });
    const two = waiting.stream.toReadableStream().getReader();
    const pending = two.read();
    await sleep(2);
    await two.cancel();
    expect((await pending).done).toBe(true);
    expect(waiting.open).toBe(0);
  });

  test('hands errors on', async () => {
    const source = new Numbered({ wait: () => Promise.reject(new Error('disk')) });
    expect(await failureOf(source.stream.toReadableStream())).toEqual(new Error('disk'));
    expect(source.open).toBe(0);
  });
});
