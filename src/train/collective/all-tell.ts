import type { z } from 'zod';
import type { Mesh } from './mesh.js';

/** Tells all other ranks, and gives every rank's message, by rank. */
export async function allTell<T>(mesh: Mesh, mine: T & object, schema: z.ZodType<T>): Promise<T[]> {
  const ranks = Array.from({ length: mesh.worldSize }, (_, r) => r);
  for (const other of ranks) if (other !== mesh.rank) mesh.send(other, mine);
  return Promise.all(ranks.map(async (r) => (r === mesh.rank ? mine : schema.parse(await mesh.receive(r)))));
}
