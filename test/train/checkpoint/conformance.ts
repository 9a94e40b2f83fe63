import { expect, test } from 'vitest';
import type { Files } from '../../../src/files/index.js';
import {
  listCheckpoints,
  loadCheckpoint,
  saveCheckpoint,
  verifyCheckpoints,
} from '../../../src/train/checkpoint/index.js';
import { stateOf } from './states.js';

/** What checkpoints promise on every file system. `place` gives an empty or absent folder each time. */
export function checkpointConformance(place: () => { files: Files; folder: string }): void {
  test('what was saved is loaded bit for bit, the newest first', async () => {
    const { files, folder } = place();
    expect(await loadCheckpoint(folder, { files })).toBeUndefined();
    const state = stateOf(12, { position: { consumed: 5, order: { kind: 'global' } }, savedAt: 1 });
    const saved = await saveCheckpoint(folder, state, { files });
    expect(saved).toMatchObject({ step: 12, deleted: [] });
    await saveCheckpoint(folder, stateOf(24), { files });
    const loaded = (await loadCheckpoint(folder, { files, step: 12 }))!;
    expect(loaded.path).toBe(saved.path);
    expect(loaded.tensors).toEqual(state.tensors);
    expect(loaded.info).toEqual({ metrics: undefined, ...state.info });
    expect((await loadCheckpoint(folder, { files }))!.info.step).toBe(24);
    expect((await listCheckpoints(folder, { files })).map(({ step }) => step)).toEqual([24, 12]);
  });

  test('a checkpoint is replaced and older ones make way, and nothing else is left', async () => {
    const { files, folder } = place();
    for (const step of [1, 2, 3, 4]) await saveCheckpoint(folder, stateOf(step), { files, keep: 2 });
    await saveCheckpoint(folder, stateOf(4, { metrics: { auc: 0.5 } }), { files, keep: 2 });
    const found = await verifyCheckpoints(folder, { files });
    expect(found.map(({ step, problem, info }) => [step, problem, info?.metrics])).toEqual([
      [4, undefined, { auc: 0.5 }],
      [3, undefined, undefined],
    ]);
    const { fs, path } = files.resolve(folder);
    let names = 0;
    for await (const _ of fs.list(path)) names++;
    expect(names).toBe(2);
  });

  test('folders may be called anything', async () => {
    const { files, folder } = place();
    const odd = `${folder}/100 % \n ü #?`;
    await saveCheckpoint(odd, stateOf(1), { files });
    expect((await loadCheckpoint(odd, { files }))!.info.step).toBe(1);
  });
}
