import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { QuickReads } from '../../src/files/local/quick-reads.js';
import { scratchFolder } from './scratch.js';

const folder = await scratchFolder();

function openScratch(bytes: Uint8Array): number {
  const path = join(folder, 'a');
  writeFileSync(path, bytes);
  const file = openSync(path, 'r');
  onTestFinished(() => closeSync(file));
  return file;
}

test('small reads are done at once, large ones never, and behind the end there is nothing', () => {
  const file = openScratch(Uint8Array.from({ length: 200 }, (_, i) => i));
  const quick = new QuickReads(() => 0);
  const into = new Uint8Array(50);
  expect(quick.read(file, into, 100)).toBe(50);
  expect(into).toEqual(Uint8Array.from({ length: 50 }, (_, i) => 100 + i));
  expect(quick.read(file, into, 190)).toBe(10);
  expect(quick.read(file, into, 200)).toBe(0);
  expect(quick.read(file, new Uint8Array((128 << 10) + 1), 0)).toBeUndefined();
});

test('for as long as reads have to wait, more and more of them go to threads; once they are quick again, none', () => {
  const file = openScratch(new Uint8Array(1000));
  let now = 0;
  let costs = 10;
  const quick = new QuickReads(() => {
    now += costs;
    return now;
  });
  const tries = (reads: number): number => {
    let tried = 0;
    for (let i = 0; i < reads; i++) if (quick.read(file, new Uint8Array(8), i % 900) !== undefined) tried++;
    return tried;
  };
  // Reads 0, 2, 5, 10, 19, 36 ... are tried: pauses of 1, 2, 4, 8, 16 ...
  expect(tries(10_000)).toBe(14);
  costs = 0.1;
  expect(tries(4096)).toBeLessThan(4096);
  expect(tries(4096)).toBe(4096);
  // One that waits by chance costs but one turn of a thread.
  costs = 10;
  expect(tries(1)).toBe(1);
  costs = 0.1;
  expect(tries(100)).toBe(99);
});
