import { throwIfAborted } from '../errors.js';

/** A part of some work: its signal fires when the outer one does, and when it ends. */
export class Scope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #forward = (): void => this.#controller.abort(this.#outer!.reason);

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#forward();
    else outer?.addEventListener('abort', this.#forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#outer?.removeEventListener('abort', this.#forward);
    this.#controller.abort();
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
