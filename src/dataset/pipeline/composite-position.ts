import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';

/** How often something happened. */
export const count = z.int().nonnegative();

/** A position for a message: of a dataset's, which is long, the epoch and the records consumed. */
export function showPosition(position: unknown): string {
  return JSON.stringify(position, (_, value) => {
    if (value?.fingerprint === undefined) return value;
    return { epoch: value.epoch, consumed: value.consumed };
  });
}

/** The position that an operation made. @throws SHARDFEED_POSITION for one of another stream */
export function checkPosition<T>(operation: string, schema: z.ZodType<T>, position: unknown): T {
  const checked = schema.safeParse(position);
  if (checked.success) return checked.data;
  throw new ShardfeedError(
    'SHARDFEED_POSITION',
    `${operation} cannot go on from position ${showPosition(position)}: it is of another stream. Build the stream by the same ` +
      'operations in the same order, then call from',
    { cause: checked.error },
  );
}
