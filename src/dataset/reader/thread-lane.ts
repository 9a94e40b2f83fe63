import { deserializeError } from '../worker-pool.js';
import { type Lane, type LaneEvents, type LaneReading, type Made, MadeQueue } from './lane.js';
import type { ReadingThread } from './reading-thread.js';
import type { ReadingThreads } from './reading-threads.js';
import type { StagePlan } from './stage-plan.js';

/** A thread that makes batches ahead, within its bound of bytes. */
export class ThreadLane implements Lane {
  readonly thread: ReadingThread;
  readonly #pool: ReadingThreads;
  readonly #made = new MadeQueue();
  #started = false;

  constructor(pool: ReadingThreads, thread: ReadingThread, reading: LaneReading, events: LaneEvents) {
    this.#pool = pool;
    this.thread = thread;
    thread.read(reading, {
      hear: (message) => {
        this.#started = true;
        if ('ask' in message) return events.ask(this);
        this.#made.push('error' in message ? { error: deserializeError(message.error) } : message);
        events.news();
      },
      fail: events.fail,
    });
  }

  /** Whether it is up. */
  get started(): boolean {
    return this.#started;
  }
  get ready(): boolean {
    return this.#made.ready;
  }

  give(plan: StagePlan | undefined): void {
    this.thread.post({ plan });
  }

  take(): Made {
    const made = this.#made.take();
    this.thread.post({ taken: made.bytes });
    return made;
  }

  close(): Promise<void> {
    return this.#pool.give(this.thread);
  }
}
