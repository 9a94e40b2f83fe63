import { afterAll, describe, expect, test } from 'vitest';
import { openFiles } from '../../../src/files/index.js';
import { loadCheckpoint, saveCheckpoint, verifyCheckpoints } from '../../../src/train/checkpoint/index.js';
import { Crash, dying } from '../../files/faulty.js';
import { checkpointConformance } from '../../train/checkpoint/conformance.js';
import { stateOf } from '../../train/checkpoint/states.js';
import { testCluster } from '../support/cluster.js';
import { openCluster } from '../support/file-systems.js';

const ROOT = '/checkpoints';
const cluster = await testCluster('plain');
const fs = await openCluster(cluster);
afterAll(() => fs.delete(ROOT));
let folders = 0;
const folder = (): string => `hdfs://${ROOT}/${folders++}`;
const on = (driver: typeof fs) => openFiles({ drivers: { hdfs: () => driver } });

describe('checkpoints on HDFS', () => {
  checkpointConformance(() => ({ files: on(fs), folder: folder() }));

  test('a save that dies at any moment leaves the one before or the new one, whole', async () => {
    const saved = new Set<number>();
    const files = on(fs);
    for (let n = 0; ; n += 2) {
      const uri = folder();
      await saveCheckpoint(uri, stateOf(1), { files });
      const { fs: mortal, bury } = dying(fs, n, 'after');
      const died = await saveCheckpoint(uri, stateOf(2), { files: on(mortal) }).catch((error: unknown) => error);
      await bury();
      if (died instanceof Error && !(died instanceof Crash)) throw died;
      const { info, tensors } = (await loadCheckpoint(uri, { files }))!;
      saved.add(info.step);
      expect(tensors).toEqual(stateOf(info.step).tensors);
      expect((await verifyCheckpoints(uri, { files })).every(({ problem }) => problem === undefined)).toBe(true);
      if (!(died instanceof Error)) break;
    }
    expect([...saved].sort()).toEqual([1, 2]);
  });
});
