import { createHash } from 'node:crypto';
import type { FileSystem, FileWriter } from '../../src/files/index.js';

/** Which writes of a flaky file system break off. */
export interface Flaky {
  readonly seed: number;
  /** Share of the attempts that break off. */
  readonly share: number;
  /** They do at a random byte below this, or at the file's end. */
  readonly below: number;
  /** Makes the error: a SHARDFEED_WRITE_INTERRUPTED of the package under test. */
  readonly interrupted: (path: string) => Error;
  /** Called at each of them. */
  readonly onBreak?: (path: string) => void;
}

/**
 * A file system whose writes are interrupted at random bytes. As a remote driver does, it writes beside the name and moves
 * the file there at its end; in the folders of jobs half of the aborts fail, and leave that behind.
 */
export function flakyFileSystem(inner: FileSystem, flaky: Flaky): FileSystem {
  const attempts = new Map<string, number>();
  const create: FileSystem['create'] = async (path, options) => {
    const attempt = attempts.get(path) ?? 0;
    attempts.set(path, attempt + 1);
    const name = path.replace(/_tmp-([^/]*)-[^/]*/, '_tmp-$1'); // job ids are random
    const [chance, place, fate] = draws(`${flaky.seed} ${name} ${attempt}`);
    const aside = path.replace(/[^/]*$/, (base) => `.${base}.${attempt}`);
    const writer = await inner.create(aside, options);
    let left = chance! < flaky.share ? Math.floor(place! * 1.5 * flaky.below) : Number.POSITIVE_INFINITY;
    const breaks = left < Number.POSITIVE_INFINITY;
    let state: 'open' | 'broken' | 'done' = 'open';
    const stop = (): never => {
      state = 'broken';
      flaky.onBreak?.(path);
      throw flaky.interrupted(path);
    };
    return {
      async write(bytes) {
        if (state === 'broken') throw new Error(`${path} was written to after it had been interrupted`);
        await writer.write(bytes.subarray(0, Math.min(left, bytes.length)));
        left -= bytes.length;
        if (left < 0) stop();
      },
      async close() {
        if (state === 'done') return;
        if (breaks) stop();
        await writer.close();
        if (options?.overwrite === true) await inner.replaceFile!(aside, path);
        else await inner.rename(aside, path);
        state = 'done';
      },
      async abort() {
        if (state === 'done') return;
        if (state === 'broken' && fate! < 0.5 && path.includes('/_tmp-')) throw new Error(`${aside} stays`);
        await writer.abort();
      },
    } satisfies FileWriter;
  };
  const { scheme, capabilities } = inner;
  return {
    scheme,
    capabilities: { ...capabilities, interruptibleWrites: true },
    create,
    stat: inner.stat.bind(inner),
    list: inner.list.bind(inner),
    read: inner.read.bind(inner),
    rename: inner.rename.bind(inner),
    delete: inner.delete.bind(inner),
    mkdir: inner.mkdir.bind(inner),
    replaceFile: inner.replaceFile!.bind(inner),
  };
}

/** Numbers from 0 to 1 that are a function of a text: the order of calls does not matter. */
function draws(text: string): number[] {
  const digest = createHash('sha256').update(text).digest();
  return [0, 4, 8].map((at) => digest.readUInt32LE(at) / 2 ** 32);
}
