/** A list that one task makes while others read it. */
export class GrowingList<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #waiting: (() => void)[] = [];
  #state: 'growing' | 'complete' | { error: unknown } = 'growing';

  /** What is known so far. */
  get items(): readonly T[] {
    return this.#items;
  }
  get complete(): boolean {
    return this.#state === 'complete';
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }
  /** Nothing comes behind what is there. */
  end(): void {
    this.#state = 'complete';
    this.#wake();
  }
  /** All who wait, or will, get this error. */
  fail(error: unknown): void {
    this.#state = { error };
    this.#wake();
  }

  /** Resolves when there is more than now, or the end is known; at once behind the end. */
  async grown(): Promise<void> {
    if (this.#state === 'growing') await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (typeof this.#state === 'object') throw this.#state.error;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (let i = 0; ; i++) {
      while (i >= this.#items.length) {
        if (this.complete) return;
        await this.grown();
      }
      yield this.#items[i]!;
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
