// The communication thread of a rank: it owns the connections to the other ranks, shared memory, heartbeats and the launcher's pipe, and does
// the operations that the main thread posts, one after the other.
import { rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { deserializeError, serializeError } from '../../dataset/worker-pool.js';
import { isShardfeedError, ShardfeedError } from '../../errors.js';
import { kernelOn } from '../kernel/train-memory.js';
import { chooseTransport } from './choose-transport.js';
import { type CommThreadData, type FromCommThread, STATE, type ToCommThread } from './comm-messages.js';
import { openLauncherPipe } from './launcher-pipe.js';
import type { Culprit, Mesh } from './mesh.js';
import { joinMesh } from './mesh-join.js';
import { type Command, Operations } from './operations.js';
import type { Phase } from './process-group.js';
import type { Transport } from './transport.js';

const PULSE_MS = 250;
/** How long a rank that closes its group waits for the others to do so. */
const CLOSE_MS = 5000;
/** The launcher hears of phases no more often. */
const PHASE_MS = 100;

const { memory, state, port, scratch, foldArea, launcherFd, ...data } = workerData as CommThreadData;
/** Files of this rank that still have a name. */
const held = new Set<string>();
const launcher = openLauncherPipe(launcherFd, {
  stop: () => Atomics.store(state, STATE.stop, 1),
  gone() {
    for (const path of held) rmSync(path, { force: true });
    process.kill(process.pid, 'SIGKILL');
  },
});
const pulse = setInterval(() => Atomics.add(state, STATE.pulse, 1), PULSE_MS);

/** Aborts the way into the mesh. */
const leaving = new AbortController();
let operations: Operations | undefined;
let last: Promise<unknown> = Promise.resolve();
let told = { phase: '', at: 0 };
let mesh: Mesh | undefined;
let transport: Transport | undefined;
let failed = false;
/** The main thread has told of an error of its own. */
let confessed = false;

function post(message: FromCommThread): void {
  port.postMessage(message);
  Atomics.add(state, STATE.messages, 1);
  Atomics.notify(state, STATE.messages);
}

/** Nothing more can be done; the main thread and the launcher learn why. */
function fail(error: unknown): void {
  if (failed) return;
  failed = true;
  transport?.close(error);
  const culprit = isShardfeedError(error) ? (error.cause as Culprit | undefined) : undefined;
  const message = error instanceof Error ? error.message : String(error);
  launcher.send({ type: 'error', culprit: culprit ?? { rank: data.mesh.rank, message } });
  post({ failed: { ...serializeError(error), culprit } });
}

async function run(): Promise<void> {
  launcher.send({ type: 'phase', phase: 'join', step: 0 });
  mesh = await joinMesh({ ...data.mesh, signal: leaving.signal });
  mesh.failure.catch(fail);
  const tools = { mesh, memory, kernel: kernelOn(memory), scratch, foldArea };
  transport = await chooseTransport(tools, { ...data, held, warn: (warning) => post({ warning }) });
  operations = new Operations(tools, transport);
  launcher.send({ type: 'joined', rank: mesh.rank, pid: process.pid });
  post({ joined: transport.name });
}

function enqueue(id: number, command: Command): void {
  last = last.then(async () => {
    if (failed) return;
    try {
      post({ done: id, result: await operations!.run(command) });
    } catch (error) {
      fail(error);
    }
  });
}

function enter(phase: Phase, step: number): void {
  mesh!.progress(phase, step);
  const now = performance.now();
  if (phase === told.phase && now - told.at < PHASE_MS) return;
  told = { phase, at: now };
  launcher.send({ type: 'phase', phase, step });
}

/** Leaves in step with the others, if they leave too; the thread ends. */
async function close(orderly: boolean, step: number): Promise<void> {
  if (confessed) {
    // One more operation would be one that the others do not do, and who is at fault is known in a moment.
    await mesh!.failure.catch(fail);
  } else if (orderly && !failed && operations !== undefined) {
    const agreed = operations.run({ kind: 'close', step }).catch(() => {});
    await Promise.race([agreed, mesh!.failure.catch(() => {}), setTimeout(CLOSE_MS, undefined, { ref: false })]);
    if (!failed) launcher.send({ type: 'done' });
  }
  failed = true;
  leaving.abort();
  transport?.close(new ShardfeedError('SHARDFEED_ABORTED', `rank ${data.mesh.rank} has closed its group`));
  await joining;
  await mesh?.close();
  await launcher.close();
  clearInterval(pulse);
  port.close();
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
port.on('message', (message: ToCommThread) => {
  if ('command' in message) enqueue(message.id, message.command);
  else if ('enter' in message) enter(message.enter.phase, message.enter.step);
  else if ('report' in message) launcher.send({ ...message.report, type: 'report' });
  else if ('close' in message) void close(message.close.orderly, message.close.step);
  else {
    confessed = true;
    const answer = (): void => post({ told: true });
    mesh!.fail(deserializeError(message.fail)).then(answer, answer);
  }
});
const joining = run().catch(fail);
