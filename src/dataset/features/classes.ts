/** How many classes there are: `count`, and as many more as the class of nulls takes. */
export function classesOf(count: number, missing: number): number {
  return Math.max(count, missing + 1);
}
