import assert from 'node:assert/strict';
import { type ErrorCode, ShardfeedError } from '../../errors.js';
import type { FileStat, FileSystem, ReadOptions } from '../file-system.js';
import { joinPath } from '../paths.js';

export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an AssertionError, or what the driver threw, where a promise is broken. */
  readonly run: () => Promise<void>;
}

export interface ConformanceTarget {
  /** The file system under test and a folder that it may fill; called once a case. */
  open(): Promise<Place> | Place;
  /** Size of the large file in bytes. Default 9 MiB. */
  largeBytes?: number;
  /** Names that the storage behind the driver cannot have; they must be refused with SHARDFEED_UNSUPPORTED. */
  forbidden?: RegExp;
}

export interface Place {
  readonly fs: FileSystem;
  /** An existing folder, or one whose parents may be made. Cases use names of their own within it. */
  readonly root: string;
}

/** What a case works with: a fresh folder and helpers. */
export class Bench {
  constructor(
    readonly fs: FileSystem,
    readonly root: string,
  ) {}

  path(name: string): string {
    return joinPath(this.root, name);
  }

  async write(path: string, content: string | Uint8Array): Promise<string> {
    const writer = await this.fs.create(path);
    await writer.write(bytesOf(content));
    await writer.close();
    return path;
  }

  async read(path: string, options?: ReadOptions): Promise<Uint8Array> {
    return Buffer.concat(await collect(this.fs.read(path, options)));
  }

  async text(path: string, options?: ReadOptions): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  async names(path: string): Promise<string[]> {
    return (await collect(this.fs.list(path))).map((stat) => stat.path.slice(path.length + 1));
  }

  async find(path: string): Promise<FileStat | undefined> {
    try {
      return await this.fs.stat(path);
    } catch (error) {
      if (error instanceof ShardfeedError && error.code === 'SHARDFEED_NOT_FOUND') return undefined;
      throw error;
    }
  }
}

/** A case with a folder of its own, which is deleted afterwards. */
export function defineCase(
  target: ConformanceTarget,
  name: string,
  body: (bench: Bench) => Promise<void>,
): ConformanceCase {
  const run = async (): Promise<void> => {
    const { fs, root } = await target.open();
    const folder = joinPath(root, `case-${name.replace(/[^a-z0-9]+/gi, '-')}`);
    await fs.mkdir(folder);
    try {
      await body(new Bench(fs, folder));
    } finally {
      await fs.delete(folder);
    }
  };
  return { name, run };
}

/** Asserts that the promise rejects with a ShardfeedError of one of the codes that says the path. */
export async function rejects(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<ShardfeedError> {
  const error = await promise.then(
    (value) => assert.fail(`resolved with ${String(value)} where ${codes.join(' or ')} was expected`),
    (reason: unknown) => reason,
  );
  assert(error instanceof ShardfeedError, `rejected with ${String(error)}, which is no ShardfeedError`);
  assert(codes.includes(error.code), `rejected with ${error.code} (${error.message}) instead of ${codes.join(' or ')}`);
  assert.notEqual(error.path, undefined, `${error.code} does not say the path`);
  return error;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

/** Bytes that look random and depend only on their position. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** `assert.deepEqual` on millions of bytes takes minutes to print a difference. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.length, expected.length, 'number of bytes');
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  assert.equal(at, -1, `byte ${at} differs`);
}
