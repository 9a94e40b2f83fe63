import { type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { deserializeError, serializeError } from '../../dataset/worker-pool.js';
import { ShardfeedError } from '../../errors.js';
import type { TrainMemory } from '../kernel/train-memory.js';
import type { NumericArray } from '../numeric-array.js';
import { arrayOn, checkReduction, checkRoot, dataTypeOf, joinArrays } from './arrays.js';
import { type FromCommThread, type GroupError, STATE, type ToCommThread } from './comm-messages.js';
import { fromJson, toJson } from './json-bytes.js';
import { type Command, type GatherCommand, type Gathered, INLINE_BYTES } from './operations.js';
import type { Implementation, Phase, ProcessGroup, ReduceOp } from './process-group.js';
import { ELEMENT_BYTES } from './reduce.js';
import { sliceOf } from './slices.js';
import type { Span } from './transport.js';

/** How often a thread that waits looks whether the communication thread still lives, and for how long that may seem dead. */
const LOOK_MS = 1000;
const DEAD_MS = 20_000;
/** For the thread to end by itself. */
export const EXIT_MS = 10_000;

/** The commands that an operation consists of, one after the other; each gives what was gathered. */
type Steps<R> = Generator<Command, R, Gathered | undefined>;

interface Operation {
  readonly steps: Steps<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface ThreadGroupParts {
  readonly rank: number;
  readonly worldSize: number;
  readonly implementation: Implementation;
  readonly jobId: string;
  readonly attempt: number;
  readonly memory: TrainMemory;
  readonly state: Int32Array;
  readonly port: MessagePort;
  readonly worker: Worker;
}

/**
 * A group whose operations are done by a communication thread. They are posted to it one at a time, so that arrays outside of the shared
 * memory can be copied through one area in it; a thread that waits synchronously takes the answers from the port itself.
 */
export class ThreadGroup implements ProcessGroup {
  readonly rank: number;
  readonly worldSize: number;
  readonly implementation: Implementation;
  readonly jobId: string;
  readonly attempt: number;
  readonly memory: TrainMemory;
  readonly #failed = new AbortController();
  readonly signal: AbortSignal = this.#failed.signal;
  readonly #state: Int32Array;
  readonly #port: MessagePort;
  readonly #exited: Promise<void>;
  readonly #worker: Worker;
  readonly #queue: Operation[] = [];
  #posted = 0;
  #step = 0;
  #closing: Promise<void> | undefined;
  #told: (() => void) | undefined;
  #area = { address: 0, bytes: 0 };

  constructor({ memory, state, port, worker, ...parts }: ThreadGroupParts) {
    this.rank = parts.rank;
    this.worldSize = parts.worldSize;
    this.implementation = parts.implementation;
    this.jobId = parts.jobId;
    this.attempt = parts.attempt;
    this.memory = memory;
    this.#state = state;
    this.#port = port;
    this.#worker = worker;
    port.on('message', (message: FromCommThread) => this.#hear(message));
    port.unref();
    worker.unref();
    worker.on('error', (error) => this.#fail(error));
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#fail(threadEnded());
        resolve();
      });
    });
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#state, STATE.stop) === 1;
  }

  allReduce<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): Promise<A> {
    return this.#do(this.#reduce('allReduce', array, op));
  }

  allReduceSync<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): A {
    return this.#doSync(this.#reduce('allReduce', array, op));
  }

  async reduceScatter<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): Promise<A> {
    await this.#do(this.#reduce('reduceScatter', array, op));
    const size = array.BYTES_PER_ELEMENT;
    const whole = { address: 0, count: array.length, type: dataTypeOf(array) };
    const { address, count } = sliceOf(whole, this.rank, this.worldSize);
    return array.subarray(address / size, address / size + count) as A;
  }

  allGather<A extends NumericArray>(array: A): Promise<A> {
    return this.#do(this.#gatherArray(array));
  }

  broadcast<A extends NumericArray>(array: A, root = 0): Promise<A> {
    return this.#do(this.#broadcast(array, root));
  }

  broadcastObject<T>(value: T | undefined, root = 0): Promise<T> {
    return this.#do(this.#broadcastObject(value, root));
  }

  allGatherObject<T>(value: T): Promise<T[]> {
    return this.#do(this.#gatherObjects(value));
  }

  barrier(): Promise<void> {
    return this.#do(this.#barrier());
  }

  enter(phase: Phase, step?: number): void {
    this.#step = step ?? this.#step;
    this.#send({ enter: { phase, step: this.#step } });
  }

  report(message: object): void {
    this.#send({ report: message });
  }

  async fail(error: unknown): Promise<void> {
    if (this.signal.aborted || this.#closing !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#told = resolve;
      this.#port.ref();
      this.#send({ fail: serializeError(error) });
      void this.#exited.then(resolve);
    });
    this.#rest();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const orderly = this.#queue.length === 0;
    this.#fail(new ShardfeedError('SHARDFEED_ABORTED', `rank ${this.rank} has closed its group`));
    this.#worker.ref();
    this.#send({ close: { orderly, step: this.#step } });
    const late = setTimeout(() => void this.#worker.terminate(), EXIT_MS);
    await this.#exited;
    clearTimeout(late);
    this.#port.close();
  }

  *#reduce<A extends NumericArray>(kind: 'allReduce' | 'reduceScatter', array: A, op: ReduceOp): Steps<A> {
    checkReduction(op);
    const placed = this.#place(array);
    yield { kind, span: placed.span, op, step: this.#step };
    placed.fetch();
    return array;
  }

  *#broadcast<A extends NumericArray>(array: A, root: number): Steps<A> {
    checkRoot(root, this.worldSize);
    const placed = this.#place(array);
    yield { kind: 'broadcast', span: placed.span, root, step: this.#step };
    placed.fetch();
    return array;
  }

  *#barrier(): Steps<void> {
    yield { kind: 'barrier', step: this.#step };
  }

  *#gatherArray<A extends NumericArray>(array: A): Steps<A> {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    return joinArrays(array, yield* this.#gather({ kind: 'allGather', type: dataTypeOf(array) }, bytes));
  }

  *#gatherObjects<T>(value: T): Steps<T[]> {
    return (yield* this.#gather({ kind: 'allGatherObject' }, toJson(value))).map((part) => fromJson<T>(part));
  }

  *#broadcastObject<T>(value: T | undefined, root: number): Steps<T> {
    checkRoot(root, this.worldSize);
    const own = root === this.rank ? toJson(value) : new Uint8Array(0);
    return fromJson<T>((yield* this.#gather({ kind: 'broadcastObject', root }, own))[root]!);
  }

  /** Every rank's bytes; the arrays may be views that the next operation overwrites. */
  *#gather(
    command: Pick<GatherCommand, 'kind' | 'type' | 'root'>,
    own: Uint8Array,
  ): Generator<Command, readonly Uint8Array[], Gathered | undefined> {
    const inline = own.length <= INLINE_BYTES && { bytes: own.slice() };
    const { lengths, parts } = (yield { ...command, length: own.length, ...inline, step: this.#step })!;
    if (parts !== undefined) return parts;
    // What is not in the memory yet goes through an area there; parts lie one behind the other.
    const address = this.#reserve(lengths.reduce((sum, length) => sum + length, 0));
    let at = address;
    const type = command.type ?? 'int32';
    const spans = lengths.map((length) => {
      const span: Span = { address: at, count: length / ELEMENT_BYTES[type], type };
      at += length;
      return span;
    });
    const views = spans.map((span, r) => new Uint8Array(this.memory.wasm.buffer, span.address, lengths[r]!));
    views[this.rank]!.set(own);
    yield { kind: 'parts', parts: spans, step: this.#step };
    return views;
  }

  /** Where an array is worked on: in place if it lies in the memory, else in an area there, from which `fetch` copies it back. */
  #place(array: NumericArray): { span: Span; fetch(): void } {
    const { length: count, byteOffset } = array;
    const type = dataTypeOf(array);
    if (this.memory.holds(array)) return { span: { address: byteOffset, count, type }, fetch() {} };
    const address = this.#reserve(array.byteLength);
    const copy = arrayOn(this.memory.wasm.buffer, type, address, count);
    copy.set(array);
    return { span: { address, count, type }, fetch: () => array.set(copy) };
  }

  /** The area, of at least so many bytes; what it held is lost. */
  #reserve(bytes: number): number {
    if (bytes > this.#area.bytes) {
      const size = Math.max(bytes, Math.min(2 * this.#area.bytes, 1 << 26), 1 << 20);
      this.#area = { address: this.memory.alloc(size), bytes: size };
    }
    return this.#area.address;
  }

  #do<R>(steps: Steps<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => this.#enqueue({ steps, resolve, reject }));
  }

  #doSync<R>(steps: Steps<R>): R {
    let outcome: { value: R } | { error: unknown } | undefined;
    this.#enqueue({
      steps,
      resolve: (value) => {
        outcome = { value };
      },
      reject: (error) => {
        outcome = { error };
      },
    });
    let pulse = Atomics.load(this.#state, STATE.pulse);
    let alive = performance.now();
    for (;;) {
      const messages = Atomics.load(this.#state, STATE.messages);
      for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
        this.#hear(next.message as FromCommThread);
      }
      if (outcome !== undefined) break;
      if (Atomics.wait(this.#state, STATE.messages, messages, LOOK_MS) !== 'timed-out') continue;
      const now = Atomics.load(this.#state, STATE.pulse);
      if (now !== pulse) alive = performance.now();
      pulse = now;
      if (performance.now() - alive > DEAD_MS) this.#fail(threadEnded());
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #enqueue(operation: Operation): void {
    if (this.signal.aborted) {
      operation.reject(this.signal.reason);
      return;
    }
    this.#queue.push(operation);
    if (this.#queue.length === 1) {
      this.#port.ref();
      this.#advance(undefined);
    }
  }

  /** Posts the next command of the first operation, given what the last one gathered; or that of the next operation. */
  #advance(result: Gathered | undefined): void {
    let given = result;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      try {
        const next = first.steps.next(given);
        if (!next.done) {
          this.#send({ id: ++this.#posted, command: next.value });
          return;
        }
        this.#queue.shift();
        first.resolve(next.value as never);
      } catch (error) {
        this.#queue.shift();
        first.reject(error);
      }
      given = undefined;
    }
    this.#rest();
  }

  #hear(message: FromCommThread): void {
    if ('done' in message) {
      if (!this.signal.aborted) this.#advance(message.result);
    } else if ('failed' in message) this.#fail(groupError(message.failed));
    else if ('told' in message) this.#told?.();
    else if ('warning' in message) process.emitWarning(message.warning);
  }

  #fail(error: Error): void {
    if (this.signal.aborted) return;
    const queue = this.#queue.splice(0);
    this.#failed.abort(error);
    for (const { reject } of queue) reject(error);
    this.#rest();
  }

  #rest(): void {
    if (this.#queue.length === 0) this.#port.unref();
  }

  #send(message: ToCommThread): void {
    this.#port.postMessage(message);
  }
}

/** The error as the main thread gets it. */
export function groupError({ culprit, ...error }: GroupError): Error {
  const revived = deserializeError(error);
  if (culprit !== undefined) revived.cause = culprit;
  return revived;
}

function threadEnded(): ShardfeedError {
  return new ShardfeedError('SHARDFEED_RANK_FAILED', 'the communication thread of this rank has ended');
}
