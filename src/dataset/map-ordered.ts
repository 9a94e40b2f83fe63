/**
 * Runs `work` on every item and yields the results in the order of the items. Items are taken in while the consumer is
 * busy; at most `limit` are between the two, the one that the consumer holds included. What fails is thrown when its turn
 * comes; after it nothing new is started and what is under way is awaited.
 */
export async function* mapOrdered<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  limit: number,
): AsyncGenerator<R> {
  const iterator = items[Symbol.asyncIterator]();
  const underway: Promise<R>[] = [];
  let taking: Promise<void> | undefined;
  let ended = false;
  const add = (result: Promise<R>): void => {
    result.catch(() => {}); // thrown when its turn comes
    underway.push(result);
  };
  const take = async (): Promise<void> => {
    try {
      while (!ended && underway.length < limit) {
        const item = await iterator.next();
        if (item.done === true) ended = true;
        else if (!ended) add(work(item.value));
      }
    } catch (error) {
      ended = true;
      add(Promise.reject(error));
    } finally {
      taking = undefined;
    }
  };
  try {
    for (;;) {
      taking ??= take();
      if (underway.length === 0) await taking;
      if (underway.length === 0) return;
      yield await underway[0]!;
      underway.shift();
    }
  } finally {
    ended = true;
    await taking;
    await Promise.allSettled(underway);
    await iterator.return?.();
  }
}
