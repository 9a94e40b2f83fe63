/**
 * Every code that a {@link ShardfeedError} can carry. Codes are stable across versions; messages are not.
 * `EXIT_CODES` tells which of them end the command line tool with something else than 1.
 */
export const ERROR_CODES = {
  /** An argument or option is wrong. */
  SHARDFEED_USAGE: 'an argument or option is wrong',
  /** A file or folder does not exist, or a pattern matches nothing. */
  SHARDFEED_NOT_FOUND: 'a file or folder does not exist',
  /** The target exists and may not be replaced. */
  SHARDFEED_EXISTS: 'the target exists already',
  /** The operating or file system denies access. */
  SHARDFEED_PERMISSION: 'access denied',
  /** No space or quota is left. */
  SHARDFEED_NO_SPACE: 'no space left',
  /** Another job writes to the same target. */
  SHARDFEED_BUSY: 'another job holds the target',
  /** Any other failure of a file system. */
  SHARDFEED_IO: 'an input or output operation failed',
  /** What was written to a file so far is lost, as the connection broke; written again from its start it may succeed. */
  SHARDFEED_WRITE_INTERRUPTED: 'writing a file was interrupted',
  /** A file changed, or was replaced, while it was read. */
  SHARDFEED_CHANGED: 'a file changed while it was read',
  /** No name node of the cluster is active. */
  SHARDFEED_HDFS_STANDBY: 'no name node is active',
  /** The name node is in safe mode and changes nothing. */
  SHARDFEED_HDFS_SAFE_MODE: 'the name node is in safe mode',
  /** A server of the cluster cannot be reached, breaks off, does not answer in time, or answers with 5xx or garbage. */
  SHARDFEED_HDFS_UNREACHABLE: 'a server of the cluster does not answer as it should',
  /** No living data node has a block of the file. */
  SHARDFEED_HDFS_BLOCK_MISSING: 'no data node has a block of the file',
  /** The cluster does not accept who we say we are: credentials are missing, wrong or expired. */
  SHARDFEED_HDFS_AUTH: 'the cluster does not accept the credentials',
  /** A name node redirects to where no data node of its cluster can be. */
  SHARDFEED_HDFS_REDIRECT: 'a redirect leads out of the cluster',
  /** The driver, format or platform does not offer this. */
  SHARDFEED_UNSUPPORTED: 'not supported here',
  /** The caller's AbortSignal fired, or the process was interrupted. */
  SHARDFEED_ABORTED: 'aborted',
  /** A record's length, checksum or framing is wrong. */
  SHARDFEED_CORRUPT_RECORD: 'a record is corrupt',
  /** A file ends inside a record. */
  SHARDFEED_TRUNCATED: 'a file is truncated',
  /** A compressed stream is damaged. */
  SHARDFEED_CORRUPT_STREAM: 'a compressed stream is corrupt',
  /** A record declares a length above the limit. */
  SHARDFEED_TOO_LARGE: 'larger than the limit',
  /** The bytes of a record are not a valid Example or SequenceExample. */
  SHARDFEED_MALFORMED_EXAMPLE: 'not a valid Example',
  /** A record does not fit the schema. */
  SHARDFEED_SCHEMA_MISMATCH: 'a record does not fit the schema',
  /** A schema or model spec is invalid. */
  SHARDFEED_SCHEMA_INVALID: 'the schema is invalid',
  /** A CSV cell cannot become a value of its feature. */
  SHARDFEED_CSV_FIELD: 'a CSV cell has the wrong form',
  /** A CSV row has the wrong shape (number of cells, quoting, size). */
  SHARDFEED_CSV_ROW: 'a CSV row has the wrong form',
  /** CSV headers are missing, repeated, empty or differ between files. */
  SHARDFEED_CSV_HEADER: 'the CSV header is wrong',
  /** More rows or records were bad than the budget allows. */
  SHARDFEED_BUDGET: 'too many bad rows or records',
  /** A value does not fit its array type. */
  SHARDFEED_RANGE: 'a value is out of range',
  /** A manifest or index is invalid. */
  SHARDFEED_MANIFEST: 'the manifest or index is invalid',
  /** A function that was given to an operation of a stream failed. */
  SHARDFEED_PIPELINE: 'a function of a stream failed',
  /** An index or manifest does not belong to the bytes beside it. */
  SHARDFEED_STALE: 'an index or manifest does not match its file',
  /** A stored position is none, or belongs to another dataset or another order. */
  SHARDFEED_POSITION: 'a position does not belong to the dataset or its order',
  /** The ranks of a job cannot come together: no address, a wrong secret, another job or plan, or not all in time. */
  SHARDFEED_RENDEZVOUS: 'the ranks of a job do not come together',
  /** A rank is silent, or makes no progress, for longer than its deadline. */
  SHARDFEED_RANK_TIMEOUT: 'a rank is silent or stuck',
  /** A rank died, or told of an error of its own. */
  SHARDFEED_RANK_FAILED: 'a rank failed',
  /** The ranks did not call the same operation, with the same sizes and types, at the same step. */
  SHARDFEED_COLLECTIVE: 'the ranks do not do the same',
  /** A checkpoint is damaged, none, or of another model or dataset. */
  SHARDFEED_CHECKPOINT: 'a checkpoint is invalid or does not fit',
  /** A loss or gradient is NaN or infinite. */
  SHARDFEED_NOT_FINITE: 'a loss or gradient is not finite',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Where and why something failed. All offsets are bytes from the start of the file; ordinals and lines as named. */
export interface ErrorDetails {
  /** URI or path of the file. */
  path?: string;
  /** Byte offset in the file (uncompressed bytes for a compressed file). */
  offset?: number;
  /** Ordinal of the record in its file, from 0. */
  record?: number;
  /** Line of the CSV file where the row begins, from 1. */
  line?: number;
  /** Name of the feature or CSV column. */
  column?: string;
  cause?: unknown;
}

/** The one error class of shardfeed: match on `code`. The message says what, where, what was expected and what to do. */
export class ShardfeedError extends Error {
  override readonly name = 'ShardfeedError';
  readonly code: ErrorCode;
  // Declared alone, so that one without them does not show them.
  declare readonly path?: string;
  declare readonly offset?: number;
  declare readonly record?: number;
  declare readonly line?: number;
  declare readonly column?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    const { cause: _, ...where } = details;
    for (const [name, value] of Object.entries(where)) if (value !== undefined) Object.assign(this, { [name]: value });
  }

  toJSON(): Record<string, unknown> {
    const { code, message, path, offset, record, line, column } = this;
    return { code, message, path, offset, record, line, column };
  }
}

export function isShardfeedError(error: unknown, code?: ErrorCode): error is ShardfeedError {
  return error instanceof ShardfeedError && (code === undefined || error.code === code);
}

/** @throws SHARDFEED_ABORTED once the signal has fired; its reason is the cause. */
export function throwIfAborted(signal: AbortSignal | undefined, path?: string): void {
  if (signal?.aborted !== true) return;
  throw new ShardfeedError('SHARDFEED_ABORTED', 'aborted', { path, cause: signal.reason });
}

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  SHARDFEED_USAGE: 2,
  SHARDFEED_CORRUPT_RECORD: 3,
  SHARDFEED_TRUNCATED: 3,
  SHARDFEED_CORRUPT_STREAM: 3,
  SHARDFEED_MALFORMED_EXAMPLE: 3,
  SHARDFEED_ABORTED: 130,
};

/** The process exit code for an error: 2 usage, 3 corrupt data, 130 interrupted, else 1. */
export function exitCodeOf(error: unknown): number {
  return isShardfeedError(error) ? (EXIT_CODES[error.code] ?? 1) : 1;
}
