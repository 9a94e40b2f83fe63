import type { ProcessGroup } from '../collective/process-group.js';
import { FlatVariables, type Variables } from './variables.js';

/**
 * Gives all ranks the root's values (default: rank 0's), so that they begin alike. Every rank calls it, with variables of the same names and
 * shapes. As Horovod's `broadcast_variables`.
 */
export async function broadcastVariables(group: ProcessGroup, variables: Variables, root = 0): Promise<void> {
  const flat = new FlatVariables(variables);
  const values = new Float32Array(flat.layout.size);
  flat.read(values);
  await group.broadcast(values, root);
  if (group.rank !== root) flat.write(values);
}
