import { abortCases } from './conformance/aborting.js';
import type { ConformanceCase, ConformanceTarget } from './conformance/case.js';
import { deleteCases } from './conformance/deleting.js';
import { listCases } from './conformance/listing.js';
import { nameCases } from './conformance/names.js';
import { readCases } from './conformance/reading.js';
import { renameCases } from './conformance/renaming.js';
import { writeCases } from './conformance/writing.js';

export type { ConformanceCase, ConformanceTarget } from './conformance/case.js';

/**
 * Everything that the port in `file-system.ts` promises, as named cases for any test runner:
 *
 *     for (const { name, run } of fileSystemConformance({ open: () => ({ fs, root: '/tmp/x' }) })) test(name, run);
 */
export function fileSystemConformance(target: ConformanceTarget): ConformanceCase[] {
  return [
    ...writeCases(target),
    ...readCases(target),
    ...listCases(target),
    ...nameCases(target),
    ...renameCases(target),
    ...deleteCases(target),
    ...abortCases(target),
  ];
}
