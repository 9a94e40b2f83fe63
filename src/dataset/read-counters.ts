/** What reading did so far. Times are milliseconds, summed over all readers of a dataset. */
export interface ReadCounters {
  /** Records that were delivered. */
  records: number;
  /** Bytes that were read, as they are stored. */
  bytes: number;
  /** Reads that the file system was asked for. */
  requests: number;
  /** Waiting for the file system. */
  waitMs: number;
  /** Verifying and decoding. */
  decodeMs: number;
  /** What the consumer waited for a batch. */
  starvedMs: number;
}

export function zeroCounters(): ReadCounters {
  return { records: 0, bytes: 0, requests: 0, waitMs: 0, decodeMs: 0, starvedMs: 0 };
}

/** Adds what was counted elsewhere. */
export function addCounters(counters: ReadCounters, more: ReadCounters): void {
  for (const key of Object.keys(more) as (keyof ReadCounters)[]) counters[key] += more[key];
}

/** What was counted so far, which counts from zero again. */
export function takeCounters(counters: ReadCounters): ReadCounters {
  const taken = { ...counters };
  Object.assign(counters, zeroCounters());
  return taken;
}
