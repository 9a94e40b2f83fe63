// Worker threads run built files, so the built package is what is tested here.
import { type JoinGroupOptions, joinGroup, type ProcessGroup } from '../../../dist/train/index.js';
import { freePort } from './free-port.js';

/** The ranks of a job, all in this thread: each has a communication thread, connections and a memory of its own. */
export async function joinHere(worldSize: number, options: Partial<JoinGroupOptions> = {}): Promise<ProcessGroup[]> {
  const common = { worldSize, port: await freePort(), ...jobHere, ...options };
  return Promise.all(Array.from({ length: worldSize }, (_, rank) => joinGroup({ ...common, rank })));
}

/** What a rank of a job on this host is told besides its rank, their number and the port. */
export const jobHere = { address: '127.0.0.1', jobId: 'test', secret: 'of the tests', environment: {} };
