import type { FileSystem, FileWriter } from '../../src/files/index.js';

/** Called before and after every call that changes something; what it throws is what the call throws. */
export type Hook = (call: string, moment: 'before' | 'after') => void | Promise<void>;

/** A file system whose every change passes a hook; `reads` too where asked. */
export function hooked(
  inner: FileSystem,
  hook: Hook,
  options: { reads?: boolean; onCreate?: (writer: FileWriter) => void } = {},
): FileSystem {
  const around = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    await hook(name, 'before');
    const result = await act();
    await hook(name, 'after');
    return result;
  };
  const looked = options.reads === true ? around : <T>(_: string, act: () => Promise<T>) => act();
  const writer = (path: string, target: FileWriter): FileWriter => {
    options.onCreate?.(target);
    return {
      write: (bytes) => around(`write ${path}`, () => target.write(bytes)),
      close: () => around(`close ${path}`, () => target.close()),
      abort: () => around(`abort ${path}`, () => target.abort()),
    };
  };
  const { replaceFile, freeSpace } = inner;
  return {
    scheme: inner.scheme,
    capabilities: inner.capabilities,
    stat: (path, call) => looked(`stat ${path}`, () => inner.stat(path, call)),
    async *list(path, call) {
      await looked(`list ${path}`, async () => undefined);
      yield* inner.list(path, call);
    },
    async *read(path, call) {
      await looked(`read ${path}`, async () => undefined);
      yield* inner.read(path, call);
    },
    create: (path, call) => around(`create ${path}`, async () => writer(path, await inner.create(path, call))),
    rename: (from, to, call) => around(`rename ${from} to ${to}`, () => inner.rename(from, to, call)),
    delete: (path, call) => around(`delete ${path}`, () => inner.delete(path, call)),
    mkdir: (path, call) => around(`mkdir ${path}`, () => inner.mkdir(path, call)),
    ...(replaceFile && {
      replaceFile: (from, to, call) => around(`replace ${to}`, () => replaceFile.call(inner, from, to, call)),
    }),
    ...(freeSpace && { freeSpace: freeSpace.bind(inner) }),
  };
}

export class Crash extends Error {}

/** A process that dies before or after its n-th change (from 0), and does nothing from then on. */
export function dying(inner: FileSystem, n: number, moment: 'before' | 'after') {
  const log: string[] = [];
  const writers: FileWriter[] = [];
  let count = 0;
  let dead = false;
  const fs = hooked(
    inner,
    (call, now) => {
      if (dead || (count === n && now === moment)) {
        dead = true;
        throw new Crash(`died ${moment} ${call}`);
      }
      if (now === 'before') log.push(call);
      else count++;
    },
    { onCreate: (writer) => writers.push(writer) },
  );
  return {
    fs,
    /** The changes that it made. */
    log,
    /** Closes the files that the dead would have closed. */
    bury: () => Promise.allSettled(writers.map((writer) => writer.close())),
  };
}
