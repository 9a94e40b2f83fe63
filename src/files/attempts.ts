import { setTimeout as sleep } from 'node:timers/promises';
import { isShardfeedError, ShardfeedError, throwIfAborted } from '../errors.js';
import type { CallOptions, FileSystem } from './file-system.js';

/** A file is written this many times; the pauses between, from the first one on twice as long each, make 12.7 s. */
const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 100;
/** With the pauses an error comes within 120 s of the moment from which nobody answers. */
const MOST_WAITED_MS = 105_000;

/** Counts the interrupted attempts to write one file, and the time that they waited in vain. */
export class Attempts {
  /** For all that attempts do: the caller's, and it fires when too much time was waited. */
  readonly signal: AbortSignal;
  readonly #path: string;
  readonly #given: AbortSignal | undefined;
  readonly #mostMs: number;
  readonly #timeUp = new AbortController();
  #waitedMs = 0;
  #failed = 0;
  #last: ShardfeedError | undefined;

  /** @param mostMs all the time that may be spent in calls that fail or do not end */
  constructor(path: string, options: CallOptions = {}, mostMs = MOST_WAITED_MS) {
    this.#path = path;
    this.#given = options.signal;
    this.#mostMs = mostMs;
    const { signal } = this.#timeUp;
    this.signal = options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]);
  }

  /** Does one call of an attempt: after the first failure only as long as there is time left. */
  async call<T>(act: () => Promise<T>): Promise<T> {
    const since = performance.now();
    const left = this.#mostMs - this.#waitedMs;
    const timer = this.#failed > 0 ? setTimeout(() => this.#timeUp.abort(), left) : undefined;
    try {
      return await act();
    } catch (error) {
      this.#waitedMs += performance.now() - since;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Returns, after a pause, when the file is to be written again from its start.
   * @throws `error` itself, unless it says that a write was interrupted; SHARDFEED_WRITE_INTERRUPTED after the last
   * attempt; SHARDFEED_ABORTED
   */
  async after(error: unknown): Promise<void> {
    throwIfAborted(this.#given, this.#path);
    if (this.#timeUp.signal.aborted) throw new TriedEnough(this.#path, this.#failed + 1, this.#last!);
    if (!isShardfeedError(error, 'SHARDFEED_WRITE_INTERRUPTED') || error instanceof TriedEnough) throw error;
    this.#failed++;
    this.#last = error;
    if (this.#failed === ATTEMPTS || this.#waitedMs >= this.#mostMs)
      throw new TriedEnough(this.#path, this.#failed, error);
    await pause(FIRST_PAUSE_MS * 2 ** (this.#failed - 1), this.#path, { signal: this.#given });
  }
}

/** No reason to try once more. */
class TriedEnough extends ShardfeedError {
  constructor(path: string, attempts: number, cause: ShardfeedError) {
    const times = attempts === 1 ? 'once' : `${attempts} times from its start`;
    const what = `${path} was written ${times} and interrupted each time, lastly: ${cause.message}`;
    super('SHARDFEED_WRITE_INTERRUPTED', what, { path, cause });
  }
}

/** Waits so many milliseconds. @throws SHARDFEED_ABORTED, at once, when the signal fires */
export async function pause(ms: number, path: string, { signal }: CallOptions = {}): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  throwIfAborted(signal, path);
}

/** Writes a file until that is not interrupted: `write` starts afresh each time. @throws as {@link Attempts.after} */
export async function untilWritten<T>(attempts: Attempts, write: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      await attempts.after(error);
    }
  }
}

/** Writes a whole file: what is small, or a function that gives its bytes from the start as often as it is called. */
export function putFile(
  fs: Pick<FileSystem, 'create'>,
  path: string,
  content: string | Uint8Array | (() => AsyncIterable<Uint8Array>),
  options: CallOptions & { overwrite?: boolean } = {},
): Promise<void> {
  let again = false;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const chunks = typeof bytes === 'function' ? bytes : () => [bytes];
  const attempts = new Attempts(path, options);
  const { signal } = attempts;
  const write = async (): Promise<void> => {
    const writer = await attempts.call(() =>
      fs.create(path, { ...options, signal, ...(again ? { overwrite: true } : {}) }),
    );
    try {
      for await (const chunk of chunks()) await attempts.call(() => writer.write(chunk));
      await attempts.call(() => writer.close());
    } catch (error) {
      again = true;
      await writer.abort().catch(() => undefined);
      throw error;
    }
  };
  return untilWritten(attempts, write);
}
