import { setTimeout } from 'node:timers/promises';
import { isShardfeedError, ShardfeedError, throwIfAborted } from '../errors.js';
import type { CallOptions, FileSystem } from './file-system.js';

/** A file is written this many times; the pauses between, from the first one on twice as long each, make 12.7 s. */
const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 100;

/** Counts the interrupted attempts to write one file. */
export class Attempts {
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  #failed = 0;

  constructor(path: string, options: CallOptions = {}) {
    this.#path = path;
    this.#signal = options.signal;
  }

  /**
   * Returns, after a pause, when the file is to be written again from its start.
   * @throws `error` itself, unless it says that a write was interrupted; SHARDFEED_WRITE_INTERRUPTED after the last
   * attempt; SHARDFEED_ABORTED
   */
  async after(error: unknown): Promise<void> {
    if (!isShardfeedError(error, 'SHARDFEED_WRITE_INTERRUPTED') || error instanceof TriedEnough) throw error;
    throwIfAborted(this.#signal, this.#path);
    this.#failed++;
    if (this.#failed === ATTEMPTS) throw new TriedEnough(this.#path, this.#failed, error);
    await pause(FIRST_PAUSE_MS * 2 ** (this.#failed - 1), this.#path, { signal: this.#signal });
  }
}

/** No reason to try once more. */
class TriedEnough extends ShardfeedError {
  constructor(path: string, attempts: number, cause: ShardfeedError) {
    const what = `${path} was written ${attempts} times from its start and interrupted each time, lastly: ${cause.message}`;
    super('SHARDFEED_WRITE_INTERRUPTED', what, { path, cause });
  }
}

/** Waits so many milliseconds. @throws SHARDFEED_ABORTED, at once, when the signal fires */
export async function pause(ms: number, path: string, { signal }: CallOptions = {}): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
  throwIfAborted(signal, path);
}

/** Writes a file until that is not interrupted: `write` starts afresh each time. @throws as {@link Attempts.after} */
export async function untilWritten<T>(path: string, write: () => Promise<T>, options: CallOptions = {}): Promise<T> {
  const attempts = new Attempts(path, options);
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
  const write = async (): Promise<void> => {
    const writer = await fs.create(path, again ? { ...options, overwrite: true } : options);
    try {
      for await (const chunk of chunks()) await writer.write(chunk);
      await writer.close();
    } catch (error) {
      again = true;
      await writer.abort().catch(() => undefined);
      throw error;
    }
  };
  return untilWritten(path, write, options);
}
