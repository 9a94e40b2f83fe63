/** Consecutive records of one part: [first, first + count) of part `part`, parts numbered as in the fingerprint. */
export interface Run {
  readonly part: number;
  readonly first: number;
  readonly count: number;
}

/** What a rank reads at once, and the steps that are made of it. Plain data, which can be sent to a thread. */
export interface Stage {
  /** Steps since where the iteration began. */
  readonly firstStep: number;
  readonly steps: number;
  /** Rows of this rank, the same in every step. */
  readonly rowsPerStep: number;
  /** Ascending by part and record, disjoint, none beginning where another ends. */
  readonly runs: readonly Run[];
  /** steps x rowsPerStep; the record of each row, as its index into the records of all runs, one behind the other. */
  readonly rows: Uint32Array;
  /** One byte a row: 0 = padding, whose row names a record nevertheless. */
  readonly mask: Uint8Array;
}
