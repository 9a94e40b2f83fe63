import { type CallOptions, Scope } from '../files/index.js';

/**
 * Runs `work` on all items, at most `limit` (default 8) at a time, and gives the results in the order of the items. Where one
 * fails, `stop` fires for those that are under way, no other begins, and once all have ended the error is thrown.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  work: (item: T, index: number, stop: AbortSignal) => Promise<R>,
  { limit = 8, signal }: CallOptions & { limit?: number } = {},
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const scope = new Scope(signal);
  let failure: { readonly error: unknown } | undefined;
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const i = next++;
      try {
        results[i] = await work(items[i]!, i, scope.signal);
      } catch (error) {
        failure ??= { error };
        scope.end();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  scope.end();
  if (failure !== undefined) throw failure.error;
  return results;
}
