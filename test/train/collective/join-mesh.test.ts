import { expect, test } from 'vitest';
import { closeAll, joinAll } from './mesh-builders.js';

test.each([1, 2, 3, 5])('%i ranks are all connected to all, in order', async (worldSize) => {
  const meshes = await joinAll(worldSize);
  for (const from of meshes) {
    for (const to of meshes) {
      if (from === to) continue;
      for (const count of [1, 2, 3]) from.send(to.rank, { from: from.rank, count });
    }
  }
  for (const to of meshes) {
    for (const from of meshes) {
      if (from === to) continue;
      for (const count of [1, 2, 3]) expect(await to.receive(from.rank)).toEqual({ from: from.rank, count });
    }
  }
  await closeAll(meshes);
});

test('lanes carry bytes between each two ranks, both ways, in any portions', async () => {
  const meshes = await joinAll(3);
  const sent = (from: number, to: number): Uint8Array =>
    Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 + from * 3 + to);
  const received: Promise<void>[] = [];
  for (const from of meshes) {
    for (const to of meshes) {
      if (from === to) continue;
      from.data(to.rank).outgoing.write(sent(from.rank, to.rank));
      const target = new Uint8Array(new SharedArrayBuffer(300_000));
      const { incoming } = to.data(from.rank);
      received.push(
        new Promise((resolve) => {
          incoming.read(target.subarray(0, 5), () =>
            incoming.read(target.subarray(5, 100_000), () =>
              incoming.read(target.subarray(100_000), () => {
                expect(Buffer.compare(target, sent(from.rank, to.rank))).toBe(0);
                resolve();
              }),
            ),
          );
        }),
      );
    }
  }
  await Promise.all(received);
  await closeAll(meshes);
});
