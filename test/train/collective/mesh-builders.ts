import type { Mesh } from '../../../src/train/collective/mesh.js';
import { joinMesh, type MeshOptions } from '../../../src/train/collective/mesh-join.js';
import { freePort } from './free-port.js';

/** What all ranks of a job have in common, on a port of its own. */
export async function jobOptions(
  worldSize: number,
  more: Partial<MeshOptions> = {},
): Promise<Omit<MeshOptions, 'rank'>> {
  const address = more.address ?? '127.0.0.1';
  return { worldSize, address, port: await freePort(address), jobId: 'job', secret: 'open sesame', ...more };
}

/** All ranks of a job, in this process. */
export async function joinAll(worldSize: number, more: Partial<MeshOptions> = {}): Promise<Mesh[]> {
  const options = await jobOptions(worldSize, more);
  return Promise.all(Array.from({ length: worldSize }, (_, rank) => joinMesh({ ...options, rank })));
}

export async function closeAll(meshes: readonly Mesh[]): Promise<void> {
  await Promise.all(meshes.map((mesh) => mesh.close()));
}
