import { channel } from 'node:diagnostics_channel';
import type { ProcessGroup } from '../collective/process-group.js';

/** Told of each update on this rank: see {@link StepEvent}. */
const stepChannel = channel('shardfeed:step');

const REPORT_MS = 500;

/** An update, as `onStep` and the diagnostics channel `shardfeed:step` have it. */
export interface StepEvent {
  readonly rank: number;
  /** From 0, over the whole training. */
  readonly step: number;
  readonly epoch: number;
  /** Mean over the rows of all ranks, with the regularisers' loss. */
  readonly loss: number;
  /** Sum of the weights of the rows of all ranks. */
  readonly weight: number;
  /** Euclidean norm of the gradient before it was clipped. */
  readonly gradientNorm: number;
  /** Weights stayed as they were: there were no rows, or a number was not finite. */
  readonly skipped: boolean;
  /** Rows of this rank that count. */
  readonly rows: number;
  /** For data, on this rank. */
  readonly waitMs: number;
  /** For the other ranks, and reducing. */
  readonly allReduceMs: number;
  /** In all. */
  readonly stepMs: number;
}

/** Tells the launcher, every half second, what this rank did since the last time; and the diagnostics channel each step. */
export class Reporter {
  readonly #group: ProcessGroup;
  readonly #reducedBytes: number;
  #records = 0;
  #last = { time: performance.now(), records: 0 };
  #waitMs = 0;
  #allReduceMs = 0;
  #steps = 0;

  /** @param reducedBytes of a reduction */
  constructor(group: ProcessGroup, reducedBytes: number) {
    this.#group = group;
    this.#reducedBytes = reducedBytes;
  }

  step(event: StepEvent): void {
    if (stepChannel.hasSubscribers) stepChannel.publish(event);
    this.#records += event.rows;
    this.#waitMs += event.waitMs;
    this.#allReduceMs += event.allReduceMs;
    this.#steps++;
    if (performance.now() - this.#last.time >= REPORT_MS) this.#report(event);
  }

  /** Times and bytes are means over the steps since the last report. */
  #report({ step, epoch, loss }: Pick<StepEvent, 'step' | 'epoch' | 'loss'>): void {
    const time = performance.now();
    const steps = this.#steps;
    this.#group.report({
      step,
      epoch,
      loss,
      records: this.#records,
      recordsPerSecond: ((this.#records - this.#last.records) / (time - this.#last.time)) * 1000,
      waitMs: this.#waitMs / steps,
      allReduceMs: this.#allReduceMs / steps,
      allReduceBytes: this.#reducedBytes,
    });
    this.#last = { time, records: this.#records };
    this.#waitMs = 0;
    this.#allReduceMs = 0;
    this.#steps = 0;
  }
}
