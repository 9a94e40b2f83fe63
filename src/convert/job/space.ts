import { ShardfeedError } from '../../errors.js';
import type { Location } from '../../files/index.js';

/** Input that has to pass before its ratio of output to input is taken for the whole. */
const ENOUGH = 1 << 20;

/**
 * Watches, early in a job, whether what is still to come will fit: once some input has become output, the ratio of the
 * two tells how much the whole needs.
 * @returns a function to call after each piece, with its bytes. @throws SHARDFEED_NO_SPACE
 */
export function watchSpace(
  target: Location,
  totalInput: number | undefined,
): (input: number, output: number) => Promise<void> {
  let input = 0;
  let output = 0;
  let done = totalInput === undefined || target.fs.freeSpace === undefined;
  return async (inputBytes, outputBytes) => {
    if (done) return;
    input += inputBytes;
    output += outputBytes;
    if (input < Math.min(ENOUGH, totalInput!) || input === 0) return;
    done = true;
    const free = await target.fs.freeSpace!(target.path);
    const wanted = Math.max(0, totalInput! - input) * (output / input);
    if (wanted <= free) return;
    throw new ShardfeedError(
      'SHARDFEED_NO_SPACE',
      `${target.path} has ${megabytes(free)} free, the rest of the dataset needs about ${megabytes(wanted)}: free some, or write elsewhere`,
      { path: target.path },
    );
  };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
