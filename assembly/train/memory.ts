/** Where TypeScript may allocate: above the data segments, which every instance on the memory has in common and none changes. */
export function trainHeapBase(): usize {
  return __heap_base;
}
