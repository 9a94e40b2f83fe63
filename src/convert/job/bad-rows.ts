import { ShardfeedError } from '../../errors.js';
import type { Loss } from '../../records/index.js';
import { type BadRow, badRowError } from '../csv/index.js';
import type { CheckedOptions } from '../options.js';
import { type Quarantine, textOrBase64 } from './quarantine.js';
import type { SourcedTask } from './source.js';

/** Decides what a bad row does to the job: end it, or be counted, reported and perhaps kept aside. */
export class BadRows {
  readonly #policy: CheckedOptions['badRows'];
  readonly #budget: number;
  readonly #quarantine: Quarantine | undefined;
  #count = 0;

  constructor(options: CheckedOptions, quarantine: Quarantine | undefined) {
    this.#policy = options.badRows;
    this.#budget = options.badRowBudget ?? Number.POSITIVE_INFINITY;
    this.#quarantine = quarantine;
  }

  get count(): number {
    return this.#count;
  }

  async take(bad: BadRow, { chunk }: SourcedTask): Promise<void> {
    const error = badRowError(bad, chunk);
    if (this.#policy === 'error') throw error;
    await this.#quarantine?.add({
      ...error.toJSON(),
      value: bad.value,
      row: textOrBase64(bad.bytes),
    });
    this.note(error);
  }

  /** A row object that does not fit the schema. */
  async takeRow(error: ShardfeedError, row: unknown): Promise<void> {
    if (this.#policy === 'error') throw error;
    await this.#quarantine?.add({ ...error.toJSON(), row: plainJson(row) });
    this.note(error);
  }

  /** A row that could not even be read: its text is not known. */
  takeUnread(error: ShardfeedError): void {
    this.#quarantine?.add({ ...error.toJSON() }).catch(() => {}); // reported when the quarantine is closed
    this.note(error);
  }

  /** Records of a TFRecord file that were left out; their bytes went to the quarantine already. */
  takeLoss({ path, offset, record, count, reason }: Loss): void {
    const where = { path, offset, record };
    this.note(
      new ShardfeedError('SHARDFEED_CORRUPT_RECORD', `${path ?? 'input'}, byte ${offset}: ${reason}`, where),
      count,
    );
  }

  /** Counts bad rows or records that were dealt with elsewhere. */
  note(error: ShardfeedError, count = 1): void {
    this.#count += count;
    if (this.#count <= this.#budget) return;
    const { path, line, offset, record, column } = error;
    throw new ShardfeedError(
      'SHARDFEED_BUDGET',
      `${this.#count} bad rows are more than the budget of ${this.#budget}; the last one: ${error.message}`,
      Object.fromEntries(Object.entries({ path, line, offset, record, column }).filter(([, v]) => v !== undefined)),
    );
  }
}

/** What JSON can hold of a value: bigint as text, bytes as text or base64. */
function plainJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return textOrBase64(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plainJson);
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plainJson(v)]));
}
