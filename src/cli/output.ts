import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { ShardfeedError } from '../errors.js';
import { toJsonValue } from '../records/json-value.js';

const BUFFER_BYTES = 64 << 10;

/** Standard output: gathers small writes, waits while the reader is slow, and ends quietly where it has gone. */
export class Output {
  /** The reader has closed the pipe. */
  closed = false;
  /** Why nothing can be written any more, where it is not that. */
  failure: ShardfeedError | undefined;
  readonly #stream: Writable;
  #buffer: (string | Uint8Array)[] = [];
  #size = 0;

  /** `onClosed` is called once when the reader goes away, or writing fails. */
  constructor(stream: Writable, onClosed: () => void) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#isOver) return;
      if (error.code === 'EPIPE') this.closed = true;
      else {
        const code = error.code === 'ENOSPC' ? 'SHARDFEED_NO_SPACE' : 'SHARDFEED_IO';
        this.failure = new ShardfeedError(code, `cannot write to standard output: ${error.message}`, { cause: error });
      }
      onClosed();
    });
  }

  /** Text, or bytes that may be used again once this resolves. */
  async write(content: string | Uint8Array): Promise<void> {
    this.#buffer.push(typeof content === 'string' ? content : new Uint8Array(content));
    this.#size += content.length;
    if (this.#size >= BUFFER_BYTES) await this.flush();
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** The one JSON object of a command. int64 beyond 2^53 become strings, floats without a number too. */
  json(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value, replace, 2));
  }

  /** Writes what is left, and waits for it. @throws `failure` */
  async end(): Promise<void> {
    await this.flush();
    if (!this.#isOver) await new Promise((resolve) => this.#stream.write('', resolve));
    if (this.failure !== undefined) throw this.failure;
  }

  async flush(): Promise<void> {
    const pieces = this.#buffer;
    this.#buffer = [];
    this.#size = 0;
    for (const piece of pieces) {
      if (this.#isOver) return;
      if (!this.#stream.write(piece)) await this.#room();
    }
  }

  /** Resolves when the reader has taken something, or is gone. */
  async #room(): Promise<void> {
    const done = new AbortController();
    const { signal } = done;
    await Promise.race(['drain', 'close'].map((event) => once(this.#stream, event, { signal }))).finally(() =>
      done.abort(),
    );
  }

  get #isOver(): boolean {
    return this.closed || this.failure !== undefined;
  }
}

function replace(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return toJsonValue('int64', value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
