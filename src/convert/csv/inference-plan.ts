import { type CsvOptions, checkCsvOptions } from './options.js';
import { byteDialect } from './plan.js';
import type { RowPlan } from './row-reader.js';

/** How to read rows whose columns are not known yet. Structured-cloneable. */
export function makeInferencePlan(names: readonly string[], options: CsvOptions = {}): RowPlan {
  const csv = checkCsvOptions(options);
  return {
    names,
    dialect: byteDialect(csv),
    nulls: csv.nulls,
    quotedNulls: csv.quotedNulls,
    blankRows: names.length === 1,
    maxRowBytes: csv.maxRowBytes,
  };
}
