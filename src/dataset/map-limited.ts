import { type CallOptions, Scope } from '../files/index.js';

/** What a reader of a large remote file may hold: four ranges of 8 MiB. */
const MOST_BYTES = 32 << 20;

export interface LimitOptions<T> extends CallOptions {
  /** How many run at a time. Default 8. */
  limit?: number;
  /** Bytes of an item, of which 32 MiB run at a time, or one item. Default 0. */
  bytesOf?: (item: T) => number;
}

/**
 * Runs `work` on all items, at most `limit` at a time, and gives the results in the order of the items. Where one
 * fails, `stop` fires for those that are under way, no other begins, and once all have ended the error is thrown.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  work: (item: T, index: number, stop: AbortSignal) => Promise<R>,
  { limit = 8, bytesOf = () => 0, signal }: LimitOptions<T> = {},
): Promise<R[]> {
  // What one does at a time, or nothing, wants no signal of its own, which takes longer to make than a plan.
  if (items.length === 0) return [];
  if (items.length === 1) return [await work(items[0]!, 0, signal ?? new AbortController().signal)];
  const results = new Array<R>(items.length);
  const scope = new Scope(signal);
  let failure: { readonly error: unknown } | undefined;
  let next = 0;
  let held = 0;
  const waiting: (() => void)[] = [];
  const run = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const i = next++;
      const bytes = Math.min(MOST_BYTES, bytesOf(items[i]!));
      while (held > 0 && held + bytes > MOST_BYTES) await new Promise<void>((resolve) => waiting.push(resolve));
      if (failure !== undefined) return;
      held += bytes;
      try {
        results[i] = await work(items[i]!, i, scope.signal);
      } catch (error) {
        failure ??= { error };
        scope.end();
      }
      held -= bytes;
      for (const wake of waiting.splice(0)) wake();
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  scope.end();
  if (failure !== undefined) throw failure.error;
  return results;
}
