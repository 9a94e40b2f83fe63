/** Takes the bytes of a range in order, straight into the memory where they are wanted. */
export interface Sink {
  /** Where the next bytes are to be put: never empty; undefined while none are wanted. Counts until the next call. */
  room(): Uint8Array | undefined;
  /** So many bytes were put there. */
  filled(bytes: number): void;
  /** Resolves when there is room, or nobody will want more. */
  wanted(): Promise<void>;
}

/** Fills memory that is there. */
export function memorySink(into: Uint8Array): Sink {
  let at = 0;
  return {
    room: () => (at < into.length ? into.subarray(at) : undefined),
    filled: (bytes) => {
      at += bytes;
    },
    wanted: async () => undefined,
  };
}
