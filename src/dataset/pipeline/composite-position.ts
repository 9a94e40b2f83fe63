import { z } from 'zod';
import { ShardfeedError } from '../../errors.js';

/** How often something happened. */
export const count = z.int().nonnegative();

/** The position that an operation made. @throws SHARDFEED_POSITION for one of another stream */
export function checkPosition<T>(operation: string, schema: z.ZodType<T>, position: unknown): T {
  const checked = schema.safeParse(position);
  if (checked.success) return checked.data;
  throw new ShardfeedError(
    'SHARDFEED_POSITION',
    `${operation} cannot go on from position ${JSON.stringify(position)}: it is of another stream. Build the stream by the same ` +
      'operations in the same order, then call from',
    { cause: checked.error },
  );
}
