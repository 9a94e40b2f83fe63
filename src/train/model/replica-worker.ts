import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { kernelOn } from '../kernel/train-memory.js';
import { arena, layerTools } from './layer-tools.js';
import { buildNetwork, type Network } from './network.js';
import { LOSS_AT, type Placed, type ReplicaData, WORD } from './replica.js';

// The thread of a replica: it sleeps until a step is asked for, and has no event loop to speak of.
const { wasm, plan, addresses, control: at, port } = workerData as ReplicaData;
const kernel = kernelOn(wasm);
const control = new Int32Array(wasm.buffer, at, 8);
const loss = new Float64Array(wasm.buffer, at + LOSS_AT, 1);
let network: Network | undefined;

for (let made = 0; ; made++) {
  Atomics.wait(control, WORD.asked, made);
  if (control[WORD.end] === 1) break;
  try {
    for (let message = receiveMessageOnPort(port); message !== undefined; message = receiveMessageOnPort(port)) {
      const { base, capacity } = message.message as Placed;
      network = buildNetwork(plan, layerTools(plan, { kernel, wasm }, addresses, capacity, arena(base).alloc));
    }
    const [rows, step, low, high] = [WORD.rows, WORD.step, WORD.seedLow, WORD.seedHigh].map((word) => control[word]!);
    loss[0] = network!.step(rows!, (high! >>> 0) * 2 ** 32 + (low! >>> 0), step!);
  } catch {
    control[WORD.failed] = 1;
  }
  Atomics.store(control, WORD.made, made + 1);
  Atomics.notify(control, WORD.made);
}
port.close();
