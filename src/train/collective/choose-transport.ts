import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';
import { allTell } from './all-tell.js';
import { localTransport } from './local-transport.js';
import { OTHER_HOST } from './shm/shm-files.js';
import { shmTransport } from './shm/shm-transport.js';
import { tcpTransport } from './tcp/tcp-transport.js';
import type { Transport, TransportTools } from './transport.js';

const Wishes = z.object({ planHash: z.string(), implementation: z.enum(['shm', 'tcp', 'auto']) });

export interface TransportChoice {
  readonly planHash: string;
  readonly implementation: 'shm' | 'tcp' | 'auto';
  /** See openShmFiles. */
  readonly held: Set<string>;
  warn(message: string): void;
}

/**
 * The ranks agree on how they exchange data: shared memory where all are on one host, unless they want something else.
 * @throws SHARDFEED_COLLECTIVE if they have other plans or wishes, SHARDFEED_UNSUPPORTED if all want shared memory and it cannot be had
 */
export async function chooseTransport(
  tools: TransportTools,
  { planHash, implementation, held, warn }: TransportChoice,
): Promise<Transport> {
  const { mesh } = tools;
  if (mesh.worldSize === 1) return localTransport();
  const all = await allTell(mesh, { planHash, implementation }, Wishes);
  refuseDifference(
    'plan',
    all.map((wishes) => wishes.planHash),
  );
  refuseDifference(
    'implementation',
    all.map((wishes) => wishes.implementation),
  );
  if (implementation === 'tcp') return tcpTransport(tools);
  const shm = await shmTransport(tools, held);
  if (!('no' in shm)) return shm;
  if (implementation === 'shm') {
    throw new ShardfeedError(
      'SHARDFEED_UNSUPPORTED',
      `the ranks cannot share memory: ${shm.no}; leave the implementation open`,
    );
  }
  if (!shm.no.includes(OTHER_HOST)) warn(`the ranks exchange data by TCP, as they cannot share memory: ${shm.no}`);
  return tcpTransport(tools);
}

function refuseDifference(what: string, values: readonly string[]): void {
  const other = values.findIndex((value) => value !== values[0]);
  if (other < 0) return;
  const say = (rank: number): string => `rank ${rank} has ${JSON.stringify(values[rank])}`;
  throw new ShardfeedError(
    'SHARDFEED_COLLECTIVE',
    `the ranks do not have the same ${what}: ${say(0)}, ${say(other)}. Start all with the same dataset, options and version`,
  );
}
