import { deserializeError, serializeError } from '../../dataset/worker-pool.js';
import type { ProcessGroup } from '../collective/process-group.js';

interface Found<T> {
  readonly value?: T;
  readonly error?: ReturnType<typeof serializeError>;
}

/** What rank 0 finds out, as JSON, for all; its error is thrown on all of them. Every rank calls it. */
export async function byRank0<T>(group: ProcessGroup, find: () => Promise<T>): Promise<T> {
  let thrown: unknown;
  const own = async (): Promise<Found<T>> => {
    try {
      return { value: await find() };
    } catch (error) {
      thrown = error;
      return { error: serializeError(error) };
    }
  };
  const { value, error } = await group.broadcastObject(group.rank === 0 ? await own() : undefined);
  if (error !== undefined) throw thrown ?? deserializeError(error);
  return value!;
}
