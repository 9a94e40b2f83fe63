import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { ShardfeedError } from '../../errors.js';
import type { Batch } from '../../records/batch.js';
import type { TrainMemory } from '../kernel/train-memory.js';
import type { SharedWasmMemory } from '../kernel/train-module.js';
import { flatBuffer } from '../parameters.js';
import type { StepContext } from '../step-model.js';
import { Feed } from './feed.js';
import { type Addresses, arena, layerTools } from './layer-tools.js';
import type { ModelPlan } from './model-plan.js';
import { buildNetwork, type Network } from './network.js';

/** What a replica's thread is started with; later it gets {@link Placed} by the port. */
export interface ReplicaData {
  readonly wasm: SharedWasmMemory;
  readonly plan: ModelPlan;
  readonly addresses: Addresses;
  /** Address of int32 words, see {@link WORD}; the loss is a float64, 32 bytes behind. */
  readonly control: number;
  readonly port: MessagePort;
}

/** Where the network is from now on. */
export interface Placed {
  readonly base: number;
  readonly capacity: number;
}

/** Words by which this thread and the replica's talk: steps asked for (0), steps made (1); of the step asked for, its rows, number and seed. */
export const WORD = { asked: 0, made: 1, rows: 2, step: 3, seedLow: 4, seedHigh: 5, end: 6, failed: 7 } as const;
export const LOSS_AT = 32;
/** Looks before this thread goes to sleep: a wake-up costs some 50 µs. */
const LOOKS = 5000;
const PATIENCE_MS = 120_000;

/** A thread that computes a part of each step, on the same weights, with gradients and moving statistics of its own. */
export class Replica {
  readonly gradients: Float32Array;
  readonly state: Float32Array;
  readonly feed: Feed;
  /** Of the last step. */
  rows = 0;
  readonly #control: Int32Array;
  readonly #loss: Float64Array;
  readonly #worker: Worker;
  readonly #port: MessagePort;

  constructor(plan: ModelPlan, memory: TrainMemory, weights: number) {
    const { layout, stateLayout } = plan;
    this.gradients = flatBuffer(memory, layout);
    this.state = flatBuffer(memory, stateLayout);
    this.#control = memory.array(Int32Array, 16);
    const control = this.#control.byteOffset;
    this.#loss = new Float64Array(this.#control.buffer, control + LOSS_AT, 1);
    const addresses = { weights, gradients: this.gradients.byteOffset, state: this.state.byteOffset };
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.unref();
    const data: ReplicaData = { wasm: memory.wasm, plan, addresses, control, port: port2 };
    this.#worker = new Worker(new URL('./replica-worker.js', import.meta.url), {
      workerData: data,
      transferList: [port2],
      execArgv: [],
    });
    this.#worker.unref();
    this.feed = new Feed(plan, (capacity) => this.#place(plan, memory, addresses, capacity));
  }

  /** Begins a step on some rows of the batch, and gives the sum of their weights. */
  start(batch: Batch, { step, seed, firstRow }: StepContext, from: number, to: number, state: Float32Array): number {
    const { rows, weight } = this.feed.load(batch, firstRow, from, to);
    this.rows = rows;
    this.state.set(state);
    const control = this.#control;
    control[WORD.rows] = rows;
    control[WORD.step] = step;
    control[WORD.seedLow] = seed | 0;
    control[WORD.seedHigh] = Math.floor(seed / 2 ** 32);
    this.#ask();
    return weight;
  }

  /** Waits for the end of the step: the sum of weight x loss. */
  finish(): number {
    const control = this.#control;
    const asked = control[WORD.asked]!;
    const until = performance.now() + PATIENCE_MS;
    for (let looks = 0; Atomics.load(control, WORD.made) !== asked; looks++) {
      if (looks < LOOKS) continue;
      Atomics.wait(control, WORD.made, asked - 1, 1000);
      if (performance.now() > until) throw silent();
    }
    if (control[WORD.failed] === 1) throw silent();
    return this.#loss[0]!;
  }

  /** Ends the thread. Twice is fine. */
  close(): void {
    this.#control[WORD.end] = 1;
    this.#ask();
    this.#port.close();
  }

  #ask(): void {
    Atomics.add(this.#control, WORD.asked, 1);
    Atomics.notify(this.#control, WORD.asked);
  }

  /** Makes the network here, to fill it, and has the thread make the same at the same place. */
  #place(plan: ModelPlan, memory: TrainMemory, addresses: Addresses, capacity: number): Network {
    const counted = arena(0);
    const nowhere = {
      ...layerTools(plan, memory, addresses, capacity, counted.alloc),
      floats: (_: number, length: number) => new Float32Array(length),
      doubles: (_: number, length: number) => new Float64Array(length),
    };
    buildNetwork(plan, nowhere);
    const base = memory.alloc(counted.top);
    const placed: Placed = { base, capacity };
    this.#port.postMessage(placed);
    return buildNetwork(plan, layerTools(plan, memory, addresses, capacity, arena(base).alloc));
  }
}

function silent(): ShardfeedError {
  return new ShardfeedError('SHARDFEED_RANK_FAILED', "a replica's thread failed, or does not end its part of a step");
}
