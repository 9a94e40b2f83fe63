import { isShardfeedError, ShardfeedError, throwIfAborted } from '../../errors.js';
import { untilAborted } from '../../files/index.js';
import { showPosition } from './composite-position.js';

/**
 * Calls a function that the user gave to an operation, for one batch.
 * @throws SHARDFEED_PIPELINE, or the ShardfeedError that it threw, with the operation and the batch's position; SHARDFEED_ABORTED
 */
export async function callUser<R>(
  operation: string,
  position: unknown,
  signal: AbortSignal,
  call: () => R | PromiseLike<R>,
): Promise<R> {
  try {
    const result = call();
    return isThenable(result) ? await untilAborted(result, signal) : result;
  } catch (cause) {
    throwIfAborted(signal);
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `${operation} failed on the batch at position ${showPosition(position)}: ${why}`;
    if (!isShardfeedError(cause)) throw new ShardfeedError('SHARDFEED_PIPELINE', message, { cause });
    const { code, path, offset, record, line, column } = cause;
    const where = Object.entries({ path, offset, record, line, column }).filter(([, value]) => value !== undefined);
    throw new ShardfeedError(code, message, { ...Object.fromEntries(where), cause });
  }
}

function isThenable<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  return typeof (value as PromiseLike<R> | undefined)?.then === 'function';
}
