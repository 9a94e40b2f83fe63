import { ShardfeedError } from '../../errors.js';
import { TrainMemory } from '../kernel/train-memory.js';
import type { NumericArray } from '../numeric-array.js';
import { checkReduction, checkRoot, dataTypeOf } from './arrays.js';
import { fromJson, toJson } from './json-bytes.js';
import type { ProcessGroup, ReduceOp } from './process-group.js';

/** The group of one rank that nobody has launched: no thread, no connection. Its results are what one rank of many would get. */
export class LocalGroup implements ProcessGroup {
  readonly rank = 0;
  readonly worldSize = 1;
  readonly implementation = 'local';
  readonly memory = new TrainMemory();
  readonly stopRequested = false;
  readonly jobId: string;
  readonly attempt: number;
  readonly #end = new AbortController();
  readonly signal: AbortSignal = this.#end.signal;

  constructor({ jobId, attempt }: Pick<ProcessGroup, 'jobId' | 'attempt'>) {
    this.jobId = jobId;
    this.attempt = attempt;
  }

  async allReduce<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): Promise<A> {
    return this.allReduceSync(array, op);
  }

  allReduceSync<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): A {
    this.#check();
    checkReduction(op);
    dataTypeOf(array);
    return array;
  }

  async reduceScatter<A extends NumericArray>(array: A, op: ReduceOp = 'sum'): Promise<A> {
    return this.allReduceSync(array, op).subarray() as A;
  }

  async allGather<A extends NumericArray>(array: A): Promise<A> {
    return this.allReduceSync(array).slice() as A;
  }

  async broadcast<A extends NumericArray>(array: A, root = 0): Promise<A> {
    checkRoot(root, 1);
    return this.allReduceSync(array);
  }

  async broadcastObject<T>(value: T | undefined, root = 0): Promise<T> {
    this.#check();
    checkRoot(root, 1);
    return fromJson(toJson(value));
  }

  async allGatherObject<T>(value: T): Promise<T[]> {
    return [await this.broadcastObject(value)];
  }

  async barrier(): Promise<void> {
    this.#check();
  }

  enter(): void {}

  report(): void {}

  async fail(error: unknown): Promise<void> {
    this.#end.abort(error);
  }

  async close(): Promise<void> {
    this.#end.abort(new ShardfeedError('SHARDFEED_ABORTED', 'rank 0 has closed its group'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(): void {
    if (this.signal.aborted) throw this.signal.reason;
  }
}
