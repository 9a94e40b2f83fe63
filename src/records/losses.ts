import { ShardfeedError } from '../errors.js';

export type LossReason =
  /** A header's CRC does not match. */
  | 'header-checksum'
  /** A payload's CRC does not match. */
  | 'payload-checksum'
  /** A record declares a length above the limit. */
  | 'too-large'
  /** The file ends inside a record, or before the records that its index lists. */
  | 'truncated'
  /** The stream that holds the records is damaged, such as a gzip member. */
  | 'damaged-stream'
  /** The bytes of a record are whole but no Example. */
  | 'malformed-example';

/** Records that could not be delivered. */
export interface Loss {
  readonly path?: string;
  readonly reason: LossReason;
  /** The range of lost bytes [offset, end) in the uncompressed file. */
  readonly offset: number;
  readonly end: number;
  /** Ordinal of the first lost record. */
  readonly record: number;
  /** Records lost. 0: a header or a compressed stream was damaged, but every record was delivered. */
  readonly count: number;
  /** `count` is the least that can be said: no index knows better. Ordinals behind it count from there. */
  readonly atLeast: boolean;
}

/**
 * What to do about corrupt records: throw (`'error'`); leave them out and report them (`'skip'`, with a budget: how many
 * records may be lost before SHARDFEED_BUDGET); or hand their bytes over and report them.
 */
export type CorruptionPolicy =
  | 'error'
  | 'skip'
  | { readonly skip: number }
  | {
      /** Gets the lost bytes (borrowed), in order; a long range comes in pieces. */
      readonly quarantine: (bytes: Uint8Array, offset: number) => void | Promise<void>;
      readonly budget?: number;
    };

/** Counts losses against a policy's budget and passes them on; give one to several readers to share the budget. */
export class LossLedger {
  readonly policy: CorruptionPolicy;
  readonly #onLoss: ((loss: Loss) => void) | undefined;
  readonly #budget: number;
  #lost = 0;
  #held: { bytes: Uint8Array; offset: number }[] = [];

  constructor(policy: CorruptionPolicy, onLoss?: (loss: Loss) => void) {
    this.policy = policy;
    this.#onLoss = onLoss;
    this.#budget = budgetOf(policy);
  }

  /** Whether the first corruption is to be thrown. */
  get strict(): boolean {
    return this.policy === 'error';
  }
  /** Records lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** @throws SHARDFEED_BUDGET */
  report(loss: Loss): void {
    this.#onLoss?.(loss);
    this.#lost += loss.count;
    if (this.#lost <= this.#budget) return;
    const { path, offset, record } = loss;
    throw new ShardfeedError(
      'SHARDFEED_BUDGET',
      `${this.#lost} corrupt records, the budget is ${this.#budget}; the last: ${loss.reason} at byte ${offset}, record ${record}`,
      { path, offset, record },
    );
  }

  /** Keeps a copy of lost bytes until {@link flush}, for callers that cannot wait. */
  hold(bytes: Uint8Array, offset: number): void {
    const { policy } = this;
    if (typeof policy === 'object' && 'quarantine' in policy) this.#held.push({ bytes: bytes.slice(), offset });
  }

  async flush(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const { bytes, offset } of held) await this.quarantine(bytes, offset);
  }

  async quarantine(bytes: Uint8Array, offset: number): Promise<void> {
    const { policy } = this;
    if (typeof policy === 'object' && 'quarantine' in policy && bytes.length > 0)
      await policy.quarantine(bytes, offset);
  }
}

function budgetOf(policy: CorruptionPolicy): number {
  const known =
    typeof policy === 'object' && policy !== null
      ? 'skip' in policy || typeof policy.quarantine === 'function'
      : policy === 'error' || policy === 'skip';
  if (!known) {
    throw new ShardfeedError(
      'SHARDFEED_USAGE',
      `policy is ${JSON.stringify(policy)}: 'error', 'skip', { skip: budget } or { quarantine, budget } is wanted`,
    );
  }
  const budget =
    typeof policy === 'string'
      ? undefined
      : 'skip' in policy
        ? policy.skip
        : (policy.budget ?? Number.POSITIVE_INFINITY);
  if (budget === undefined) return Number.POSITIVE_INFINITY;
  if (typeof budget === 'number' && budget >= 0) return budget;
  throw new ShardfeedError(
    'SHARDFEED_USAGE',
    `the budget of a corruption policy is ${budget}, a number >= 0 is wanted`,
  );
}
