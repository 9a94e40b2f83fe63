import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DATA } from '../../../src/files/commit/names.js';
import { type FileSystem, localFileSystem, memoryFileSystem, openFiles, recover } from '../../../src/files/index.js';
import { Crash, dying, hooked } from '../faulty.js';
import { scratchFolder } from '../scratch.js';
import { ALONE, commitVersion, namesIn, REGARDLESS, versionAt } from './datasets.js';

const scratch = await scratchFolder();
let folders = 0;

/** Lets a process that makes dataset `new` die at every change that it makes, before and after it. */
async function everyCrash(
  fs: FileSystem,
  base: string,
  overwrite: boolean,
  check: (root: string, path: string, died: string) => Promise<void>,
): Promise<number> {
  for (let n = 0; ; n++) {
    // On disk, death before a change is death after the one before it: half of them would only take time.
    for (const moment of fs.scheme === 'file' ? (['after'] as const) : (['before', 'after'] as const)) {
      const root = `${base}/${folders++}`;
      const path = `${root}/data`;
      if (overwrite) await commitVersion(fs, path, 'old');
      else await fs.mkdir(root);
      const { fs: mortal, log, bury } = dying(fs, n, moment);
      const died = await commitVersion(mortal, path, 'new', { overwrite }, ALONE).then(
        () => undefined,
        (error: unknown) => error,
      );
      // Where clean-up after the commit fails the commit stands, so the last deaths pass without an error.
      if (died !== undefined && !(died instanceof Crash)) throw died;
      await check(root, path, `${moment} ${log.at(-1)} (${n})`);
      await bury();
      if (log.length < n) return n;
      await fs.delete(root);
    }
  }
}

describe.each([
  ['memory', memoryFileSystem(), '/base'],
  ['local', localFileSystem(), scratch],
])('%s: death at any moment', (_, fs, base) => {
  test('of a first commit: all or nothing, and the next run cleans up', async () => {
    const moments = await everyCrash(fs, base, false, async (root, path, died) => {
      const state = await recover({ fs, path });
      expect(state, died).toBe((await versionAt(fs, path)) === 'new' ? 'present' : 'absent');
      if (state === 'present') {
        await expect(commitVersion(fs, path, 'next', {}, ALONE)).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
        expect(await namesIn(fs, root), died).toEqual(['data']);
      }
      await commitVersion(fs, path, 'next', { overwrite: true }, ALONE);
      expect(await versionAt(fs, path)).toBe('next');
      expect(await namesIn(fs, root), died).toEqual(['data']);
    });
    expect(moments).toBeGreaterThan(20);
  });

  test('of an overwrite: old or new, and the next run cleans up', async () => {
    const seen = new Set<string>();
    const moments = await everyCrash(fs, base, true, async (root, path, died) => {
      const state = await recover({ fs, path });
      seen.add(state);
      const version = await versionAt(fs, path);
      expect(['old', 'new'], died).toContain(version);
      expect(await recover({ fs, path })).toBe('present');
      await expect(commitVersion(fs, path, 'next', {}, ALONE), died).rejects.toMatchObject({
        code: 'SHARDFEED_EXISTS',
      });
      expect(await versionAt(fs, path)).toBe(version);
      await commitVersion(fs, path, 'next', { overwrite: true }, ALONE);
      expect(await versionAt(fs, path)).toBe('next');
      expect(await namesIn(fs, root), died).toEqual(['data']);
    });
    expect(moments).toBeGreaterThan(20);
    expect(seen).toEqual(new Set(['present', 'rolled-forward']));
  });
});

test('death of an overwrite at any moment: the next run alone mends it, without a reader', async () => {
  const fs = memoryFileSystem();
  await everyCrash(fs, '/base', true, async (root, path, died) => {
    await expect(commitVersion(fs, path, 'next', {}, ALONE), died).rejects.toMatchObject({ code: 'SHARDFEED_EXISTS' });
    expect(['old', 'new'], died).toContain(await versionAt(fs, path));
    await commitVersion(fs, path, 'next', { overwrite: true }, ALONE);
    expect(await namesIn(fs, root), died).toEqual(['data']);
  });
});

test('death of the one who mends', async () => {
  const fs = memoryFileSystem();
  // The first job dies with the name free: both the old and the new dataset are whole beside it.
  const path = '/x/data';
  for (let n = 0; n < 40; n++) {
    await commitVersion(fs, path, 'old');
    const first = hooked(fs, (call) => {
      if (call.endsWith(`/${DATA} to ${path}`) && renames++ > 0) throw new Crash();
      if (renames > 1) throw new Crash();
    });
    let renames = 0;
    await expect(commitVersion(first, path, 'new', { overwrite: true }, ALONE)).rejects.toThrow();
    expect(await versionAt(fs, path)).toBe(undefined);
    await commitVersion(dying(fs, n, 'after').fs, path, 'next', { overwrite: true }, ALONE).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    await recover({ fs, path });
    expect(['old', 'new', 'next']).toContain(await versionAt(fs, path));
    await commitVersion(fs, path, 'last', { overwrite: true }, ALONE);
    expect(await namesIn(fs, '/x')).toEqual(['data']);
    await fs.delete('/x');
  }
});

test('readers find what a stopped overwrite left without its name', async () => {
  const memory = memoryFileSystem();
  const files = openFiles({ drivers: { memory } });
  for (const uri of [
    'memory:///x/data',
    'memory:///x/data/part-*',
    'memory:///x/data/part-r-00000',
    'memory:///x/da*',
  ]) {
    await commitVersion(memory, '/x/_old-data-J1', 'old');
    const reading = files.expand(uri).then((found) => found.map(({ path }) => path));
    // A pattern for the dataset itself cannot know its name.
    if (uri.endsWith('da*')) await expect(reading).rejects.toMatchObject({ code: 'SHARDFEED_NOT_FOUND' });
    else expect((await reading)[0]).toBe('/x/data/part-r-00000');
    await memory.delete('/x');
  }
});

test('rolled back where the new dataset is gone', async () => {
  const fs = memoryFileSystem();
  await commitVersion(fs, '/x/_old-data-J1', 'old');
  expect(await recover({ fs, path: '/x/data' })).toBe('rolled-back');
  expect(await versionAt(fs, '/x/data')).toBe('old');
  expect(await namesIn(fs, '/x')).toEqual(['data']);
});

test('a job that expired on another machine is cleaned away, one that may live is not', async () => {
  const fs = memoryFileSystem();
  const { fs: dead } = dying(fs, 14, 'before');
  await expect(commitVersion(dead, '/x/data', 'lost', { jobId: 'J1' })).rejects.toThrow(Crash);
  expect(await namesIn(fs, '/x')).toEqual(['_tmp-data-J1']);
  const unknown = { ...ALONE, isGone: () => false, busyMs: Number.NEGATIVE_INFINITY };
  await commitVersion(fs, '/x/data', 'mine', {}, unknown);
  expect(await namesIn(fs, '/x')).toEqual(['_tmp-data-J1', 'data']);
  await commitVersion(fs, '/x/data', 'mine', { overwrite: true }, { ...unknown, expiryMs: -1 });
  expect(await namesIn(fs, '/x')).toEqual(['data']);
});

/**
 * Jobs and readers as processes of one world: every call of every one of them takes its turn in an order that fast-check
 * makes up. `step` runs between any two calls.
 */
async function interleave(
  scheduler: fc.Scheduler,
  world: FileSystem,
  actors: readonly ((fs: FileSystem) => Promise<void>)[],
  step: () => Promise<void>,
): Promise<PromiseSettledResult<void>[]> {
  const turn = async (): Promise<void> => {
    await scheduler.schedule(Promise.resolve());
  };
  const all = Promise.allSettled(actors.map((act) => act(hooked(world, turn, { reads: true }))));
  let running = true;
  all.finally(() => {
    running = false;
  });
  for (;;) {
    // Let whoever has had a turn come to its next call.
    await new Promise((resolve) => setImmediate(resolve));
    if (!running) return all;
    await step();
    if (scheduler.count() > 0) await scheduler.waitNext(1);
  }
}

test('jobs and readers at once, some of which die: a whole dataset has the name, or lies beside it', async () => {
  const death = fc.option(fc.nat(60), { freq: 2 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(death, { minLength: 2, maxLength: 3 }), async (scheduler, deaths) => {
      const fs = memoryFileSystem();
      const path = '/x/data';
      await commitVersion(fs, path, 'old');
      const write = (i: number) => async (fs: FileSystem) => {
        const mortal = dying(fs, deaths[i] ?? Number.POSITIVE_INFINITY, 'after').fs;
        await commitVersion(mortal, path, `v${i}`, { overwrite: true, jobId: `J${i}` }, REGARDLESS);
      };
      const read = async (fs: FileSystem) => {
        for (let i = 0; i < 4; i++) expect(await recover({ fs, path })).not.toBe('absent');
      };
      const results = await interleave(scheduler, fs, [...deaths.map((_, i) => write(i)), read, read], async () => {
        if ((await versionAt(fs, path)) !== undefined) return;
        const beside = (await namesIn(fs, '/x')).filter((name) => name.startsWith('_old-'));
        const whole = await Promise.all(beside.map((name) => versionAt(fs, `/x/${name}`).catch(() => undefined)));
        expect(whole.filter((version) => version !== undefined)).not.toEqual([]);
      });
      for (const result of results) {
        if (result.status === 'rejected' && !(result.reason instanceof Crash)) throw result.reason;
      }
      await recover({ fs, path });
      const survived = results.slice(0, deaths.length).some(({ status }) => status === 'fulfilled');
      expect(await versionAt(fs, path)).toMatch(survived ? /^v\d$/ : /^(old|v\d)$/);
      await commitVersion(fs, path, 'last', { overwrite: true }, { ...ALONE, expiryMs: -1 });
      expect(await namesIn(fs, '/x')).toEqual(['data']);
    }),
    { numRuns: 60 },
  );
});
