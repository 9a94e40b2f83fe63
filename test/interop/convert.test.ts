import { createCipheriv } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/index.js';
import type { Schema } from '../../src/records/index.js';
import { canonicalRow } from './canonical.js';
import { type ReadJob, tensorflowReads, withTempFolder } from './tensorflow.js';

const SCHEMA: Schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'big', kind: 'int64', shape: [], default: -1 },
    { name: 'x', kind: 'float', shape: [], default: 0 },
    { name: 'pair', kind: 'float', shape: [2] },
    { name: 'name', kind: 'bytes', shape: [], default: 'nobody' },
    { name: 'tags', kind: 'bytes', shape: 'ragged', default: [] },
  ],
};
/** The header of a gzip member with an extra field: one that was moved on. */
const MOVED = Buffer.from('1f8b0804', 'hex');
const NAMES = ['alpha', '', 'with, comma', 'quo"te', 'two\nlines', 'émoji 🚲', ' spaces '];

/** Row i as the cells of a CSV line, and as what TensorFlow must find. */
function makeRow(i: number): { cells: string[]; values: Record<string, unknown> } {
  const big = BigInt.asIntN(64, BigInt(i) * 0x9e3779b97f4a7c15n);
  const name = NAMES[i % NAMES.length]!;
  const tags = Array.from({ length: i % 4 }, (_, k) => `t${k}`);
  const gap = i % 5 === 0;
  return {
    cells: [
      String(i),
      gap ? '' : String(big),
      gap ? '' : String(i / 3),
      `${i / 7}|-${i}`,
      `"${name.replaceAll('"', '""')}"`,
      tags.join('|'),
    ],
    values: {
      id: i,
      big: gap ? -1 : big,
      x: gap ? 0 : Math.fround(i / 3),
      pair: [Math.fround(i / 7), -i],
      name: Buffer.from(name),
      tags: tags.map((tag) => Buffer.from(tag)),
    },
  };
}

async function partsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.startsWith('part'))
    .sort()
    .map((name) => join(folder, name));
}

describe('what convert makes of a CSV', () => {
  it('is what the CSV says, to TensorFlow: plain, gzip in members, zlib', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => makeRow(i));
    const text = `id,big,x,pair,name,tags\n${rows.map(({ cells }) => `${cells.join(',')}\n`).join('')}`;
    async function* input(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(text);
    }
    const expected = rows.map(({ values }) => canonicalRow(SCHEMA, values));
    await withTempFolder(async (folder) => {
      const jobs: ReadJob[] = [];
      for (const [compression, codec] of [
        ['plain', 'none'],
        ['gzip', 'gzip'],
        ['zlib', 'zlib'],
      ] as const) {
        const output = join(folder, compression);
        const options = { partitions: 4, compression: codec, memberBytes: 10_000, csv: { separator: '|' } };
        await convert({ input: input(), output, spec: SCHEMA, ...options });
        jobs.push({ paths: await partsOf(output), compression, schema: SCHEMA });
      }
      for (const { records, columns } of await tensorflowReads(jobs)) {
        expect(records).toEqual(expected);
        for (const { name } of SCHEMA.features) expect(columns![name]).toEqual(expected.map((row) => row[name]![1]));
      }
    });
  });

  it('is read to the end by TensorFlow wherever gzip members end', async () => {
    // Some 800 members a part: in about one part of fifty, one would end where TensorFlow stops. The same bytes each time.
    const parts = 100;
    const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
    const spec: Schema = { features: [{ name: 'b', kind: 'bytes', shape: [] }] };
    function* rows(): Generator<{ b: Uint8Array }> {
      for (let i = 0; i < parts * 800; i++) yield { b: noise.update(Buffer.alloc(300 + ((i * i) % 101))) };
    }
    await withTempFolder(async (folder) => {
      const output = join(folder, 'members');
      await convert({ input: rows(), output, spec, partitions: parts, compression: 'gzip', memberBytes: 400 });
      const paths = await partsOf(output);
      let moved = 0;
      for (const path of paths) if ((await readFile(path)).includes(MOVED)) moved++;
      expect(moved).toBeGreaterThan(0);
      const jobs = paths.map((path): ReadJob => ({ paths: [path], compression: 'gzip', kind: 'count' }));
      expect(jobs.length).toBe(parts);
      for (const { count } of await tensorflowReads(jobs)) expect(count).toBe(800);
    });
  });
});
