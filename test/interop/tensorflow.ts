import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Schema } from '../../src/records/index.js';

const run = promisify(execFile);
const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('tensorflow_side.py', import.meta.url));

/** A feature in the form that tensorflow_side.py describes: equal means equal to the last bit. */
export type CanonicalFeature = ['int64' | 'float' | 'bytes' | 'none', string[]];
export type CanonicalExample = Record<string, CanonicalFeature>;
export interface CanonicalSequence {
  context: CanonicalExample;
  lists: Record<string, CanonicalFeature[]>;
}
export type Compression = 'plain' | 'gzip' | 'zlib';

/** Files that TensorFlow is to read, in this order, as one stream of records. */
export interface ReadJob {
  paths: string[];
  compression: Compression;
  /** Default `example`. */
  kind?: 'example' | 'sequence' | 'count';
  /** Also parse all records with tf.io.parse_example by this schema. */
  schema?: Schema;
}

export interface ReadResult {
  records: (CanonicalExample | CanonicalSequence)[];
  /** Only for `count`. */
  count?: number;
  /** Only with a schema: each row's values. */
  columns?: Record<string, string[][]>;
}

/** What TensorFlow wrote: file name, compression, and the name of the JSON file with the canonical records. */
export interface Written {
  path: string;
  group: string;
  compression: Compression;
}

async function tensorflow(...args: string[]): Promise<string> {
  const { stdout } = await run(python, [script, ...args], { maxBuffer: 1 << 30 });
  return stdout;
}

/** Lets TensorFlow read the files of every job: one process for all, its start takes seconds. */
export async function tensorflowReads(jobs: readonly ReadJob[]): Promise<ReadResult[]> {
  return withTempFolder(async (folder) => {
    const file = join(folder, 'jobs.json');
    await writeFile(file, JSON.stringify(jobs));
    return JSON.parse(await tensorflow('read', file)) as ReadResult[];
  });
}

/** Lets TensorFlow write its files into a folder and tells which. */
export async function tensorflowWrites(folder: string): Promise<Written[]> {
  await tensorflow('write', folder);
  return readJson(join(folder, 'expected.json')) as Promise<Written[]>;
}

export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}

export async function withTempFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'shardfeed-interop-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
