/** The number of rows whose mask is 1. */
export function rowsThatCount(mask: Uint8Array): number {
  let count = 0;
  for (const counts of mask) count += counts;
  return count;
}
