/**
 * Which of several is next, so that after every turn each has had its share of all turns to within one: of those that are
 * so far behind that they may go, the one that would be late first (R. Tijdeman, "The chairman assignment problem",
 * Discrete Mathematics 32, 1980). With k of them the difference stays at or below 1 - 1/(2k - 2).
 *
 * @param weights of any sum; 0 for who has no turns any more
 * @param taken turns that each has had
 */
export function nextTurn(weights: readonly number[], taken: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const turn = taken.reduce((sum, count) => sum + count, 0) + 1;
  const slack = 1 / Math.max(1, 2 * weights.filter((weight) => weight > 0).length - 2);
  let next = -1;
  let soonest = Number.POSITIVE_INFINITY;
  let furthest = -1;
  let behindMost = Number.NEGATIVE_INFINITY;
  weights.forEach((weight, i) => {
    if (weight === 0) return;
    const share = weight / total;
    const behind = share * turn - taken[i]!;
    if (behind > behindMost) {
      behindMost = behind;
      furthest = i;
    }
    const deadline = (1 - slack - behind) / share;
    if (behind >= slack && deadline < soonest) {
      soonest = deadline;
      next = i;
    }
  });
  return next < 0 ? furthest : next; // where rounding left nobody far enough behind
}
