import { throwIfAborted } from '../errors.js';

/** What `abort()` would make anew each time, with a stack. */
const ENDED = new DOMException('This operation was aborted', 'AbortError');

/** A part of some work: its signal fires when one of the outer ones does, and when it ends. */
export class Scope {
  readonly #controller = new AbortController();
  readonly #outer: readonly AbortSignal[];
  readonly #forward = (): void => this.#controller.abort(this.#outer.find(({ aborted }) => aborted)!.reason);

  constructor(...outer: readonly (AbortSignal | undefined)[]) {
    this.#outer = outer.filter((signal) => signal !== undefined);
    for (const signal of this.#outer) {
      if (signal.aborted) this.#forward();
      else signal.addEventListener('abort', this.#forward, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    for (const signal of this.#outer) signal.removeEventListener('abort', this.#forward);
    this.#controller.abort(ENDED);
  }
}

/** What a promise resolves to, unless the signal fires first. @throws SHARDFEED_ABORTED */
export async function untilAborted<T>(promise: PromiseLike<T>, signal: AbortSignal, path?: string): Promise<T> {
  let onAbort = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const first = await Promise.race([promise, aborted]);
    throwIfAborted(signal, path);
    return first as T;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
