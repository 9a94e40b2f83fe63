import { kernelModule } from '../../records/kernel/kernel.js';
import type { CatalogPart } from '../catalog.js';
import { ReadingThread } from './reading-thread.js';
import type { StageWorkerData } from './stage-worker.js';

/** A thread that has had nothing to do for so long is ended. */
const IDLE_MS = 10_000;

/**
 * The threads of a dataset: started when they are wanted, kept for the next read, and ended when none comes. Each serves one
 * read at a time.
 */
export class ReadingThreads {
  readonly #parts: readonly CatalogPart[];
  readonly #all = new Set<ReadingThread>();
  readonly #idle = new Map<ReadingThread, NodeJS.Timeout>();
  #data: StageWorkerData | undefined;
  #closed = false;

  constructor(parts: readonly CatalogPart[]) {
    this.#parts = parts;
  }

  /** So many threads that nobody else uses. Give each back. */
  take(count: number): ReadingThread[] {
    return Array.from({ length: count }, () => this.#takeIdle() ?? this.#start());
  }

  /** Takes a thread back: what it reads is ended. */
  async give(thread: ReadingThread): Promise<void> {
    await thread.free();
    if (thread.dead || this.#closed) return this.#end(thread);
    this.#idle.set(thread, setTimeout(() => void this.#end(thread), IDLE_MS).unref());
  }

  /** Ends all threads, and what they read. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((thread) => this.#end(thread)));
  }

  #takeIdle(): ReadingThread | undefined {
    for (const [thread, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(thread);
      if (!thread.dead) return thread;
      this.#all.delete(thread);
    }
    return undefined;
  }

  #start(): ReadingThread {
    this.#data ??= {
      kernel: kernelModule(),
      parts: this.#parts.map(({ fs: { scheme, authority }, listed: _, ...part }) => ({ ...part, scheme, authority })),
    };
    const thread = new ReadingThread(this.#data);
    this.#all.add(thread);
    return thread;
  }

  async #end(thread: ReadingThread): Promise<void> {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
    this.#all.delete(thread);
    await thread.end();
  }
}
