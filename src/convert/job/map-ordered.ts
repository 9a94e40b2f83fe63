/**
 * Runs `work` on every item with at most `limit` under way and yields the results in the order of the items.
 * After a failure nothing new is started and what is under way is awaited.
 */
export async function* mapOrdered<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  limit: number,
): AsyncGenerator<R> {
  const underway: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const promise = work(item);
      promise.catch(() => {}); // reported when its turn comes
      underway.push(promise);
      if (underway.length >= limit) yield await underway.shift()!;
    }
    while (underway.length > 0) yield await underway.shift()!;
  } finally {
    await Promise.allSettled(underway);
  }
}
