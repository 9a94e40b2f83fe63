import { availableParallelism } from 'node:os';
import { setImmediate, setTimeout } from 'node:timers/promises';

/** Milliseconds after which the thread's event loop gets its turn, whatever there is to do. */
const BURST_MS = 2;
/** Milliseconds of waiting after which the thread sleeps in its event loop. */
const NAP_MS = 20;

/**
 * How a thread waits for other processes that tell nothing but by memory: it looks again and again at first, since the answer is mostly
 * microseconds away; then it sleeps in between, 20 us at a time; then a millisecond at a time. With more ranks than cores it soon
 * sleeps, as who it waits for needs the core.
 */
export class Patience {
  readonly #polls: number;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #turned = performance.now();

  constructor(ranks: number) {
    this.#polls = ranks > availableParallelism() ? 20 : 100;
  }

  /** Waits until the question is answered with yes; `check` throws what puts an end to waiting. */
  async until(question: () => boolean, check: () => void): Promise<void> {
    for (let i = 0; i < this.#polls; i++) if (question()) return;
    const since = performance.now();
    while (!question()) {
      const now = performance.now();
      if (now - this.#turned < BURST_MS) Atomics.wait(this.#cell, 0, 0, 0.02);
      else {
        await (now - since > NAP_MS ? setTimeout(1) : setImmediate());
        this.#turned = performance.now();
        check();
      }
    }
  }

  /** Gives the event loop its turn, if it is time for that. */
  async breathe(check: () => void): Promise<void> {
    if (performance.now() - this.#turned < BURST_MS) return;
    await setImmediate();
    this.#turned = performance.now();
    check();
  }
}
