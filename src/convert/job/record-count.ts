/** How many records there will be, perhaps while they are still counted. */
export interface RecordCount {
  /** So many are known of. */
  readonly atLeast: number;
  /** There are no more than `atLeast`. */
  readonly exact: boolean;
  /** Resolves when more are known of, or that there are none. */
  grown(): Promise<void>;
}

export function exactly(records: number): RecordCount {
  return { atLeast: records, exact: true, grown: async () => {} };
}
