import { MessageChannel, Worker } from 'node:worker_threads';
import { ShardfeedError, throwIfAborted } from '../../errors.js';
import { TrainMemory } from '../kernel/train-memory.js';
import { rankFromEnvironment } from '../rendezvous/environment.js';
import { type CommThreadData, type FromCommThread, STATE, type ToCommThread } from './comm-messages.js';
import { LocalGroup } from './local-group.js';
import type { MeshOptions } from './mesh-join.js';
import { INLINE_BYTES } from './operations.js';
import type { Implementation, ProcessGroup } from './process-group.js';
import { EXIT_MS, groupError, ThreadGroup } from './thread-group.js';
import { SCRATCH_BYTES } from './transport.js';

/** What is not given is taken from the environment, see rankFromEnvironment. */
export interface JoinGroupOptions extends Partial<MeshOptions> {
  /** How the ranks exchange data. Default: shared memory where all are on one host, else TCP. */
  readonly implementation?: 'shm' | 'tcp';
  /** A pipe that this process was started with, which leads to its launcher; when that ends, this process is killed. */
  readonly launcherFd?: number;
  /** Default: process.env. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Launchers' pipes that were taken: they end with the group, and what the launcher made to meet by is gone. */
const taken = new Set<number>();

/**
 * Brings this process together with the other ranks of its job. A single rank without a launcher is there at once; else a thread is started
 * that owns the connections, and this waits for all ranks. A launcher brings its processes together once: what follows takes the same group.
 * @throws SHARDFEED_RENDEZVOUS, SHARDFEED_COLLECTIVE (other plans), SHARDFEED_USAGE, SHARDFEED_ABORTED, and what
 *   joinMesh throws
 */
export async function joinGroup(options: JoinGroupOptions = {}): Promise<ProcessGroup> {
  const { environment = process.env, implementation = 'auto', signal, planHash = '', ...given } = options;
  throwIfAborted(signal);
  refuseTaken(given.launcherFd ?? environment.SHARDFEED_LAUNCHER_FD);
  const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const place = { ...rankFromEnvironment(environment), ...told };
  const { launcherFd, localRank: _, localWorldSize: __, source: ___, ...mesh } = place;
  if (mesh.worldSize === 1 && launcherFd === undefined) return new LocalGroup(mesh);
  if (launcherFd !== undefined) taken.add(launcherFd);

  const memory = new TrainMemory();
  const scratch = memory.alloc(SCRATCH_BYTES);
  const foldArea = memory.alloc(2 * INLINE_BYTES);
  const state = new Int32Array(new SharedArrayBuffer(4 * STATE.cells));
  const { port1: port, port2 } = new MessageChannel();
  const data: CommThreadData = {
    memory: memory.wasm,
    state,
    port: port2,
    scratch,
    foldArea,
    mesh,
    planHash,
    implementation,
    launcherFd,
  };
  const worker = new Worker(new URL('./comm-thread.js', import.meta.url), {
    workerData: data,
    transferList: [port2],
    // How the program of this process is given is nothing that a thread could be started with.
    execArgv: process.execArgv.filter((flag) => !flag.startsWith('--input-type')),
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const over = new AbortController();
  const joined = new Promise<Implementation>((resolve, reject) => {
    const dead = (cause?: unknown): void =>
      reject(new ShardfeedError('SHARDFEED_RENDEZVOUS', 'the communication thread has ended', { cause }));
    const aborted = (): void => reject(new ShardfeedError('SHARDFEED_ABORTED', 'aborted'));
    signal?.addEventListener('abort', aborted, { signal: over.signal });
    worker.once('error', dead);
    worker.once('exit', dead);
    port.on('message', (message: FromCommThread) => {
      if ('joined' in message) resolve(message.joined);
      else if ('failed' in message) reject(groupError(message.failed));
      else if ('warning' in message) process.emitWarning(message.warning);
    });
  });
  try {
    const chosen = await joined;
    port.removeAllListeners('message');
    worker.removeAllListeners();
    return new ThreadGroup({ ...mesh, implementation: chosen, memory, state, port, worker });
  } catch (error) {
    port.postMessage({ close: { orderly: false, step: 0 } } satisfies ToCommThread);
    const late = setTimeout(() => void worker.terminate(), EXIT_MS);
    await exited;
    clearTimeout(late);
    port.close();
    throw error;
  } finally {
    over.abort();
  }
}

/** @throws SHARDFEED_USAGE where this process has joined by the launcher's pipe before */
function refuseTaken(launcherFd: number | string | undefined): void {
  if (launcherFd === undefined || !taken.has(Number(launcherFd))) return;
  const what = 'this process has joined the other ranks before, and its launcher brings them together once';
  const advice = 'call joinGroup() once, give its group to each fit({ group }), and close it at the end';
  throw new ShardfeedError('SHARDFEED_USAGE', `${what}: ${advice}`);
}
