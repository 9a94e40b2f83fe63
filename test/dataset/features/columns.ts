import { compileFeatures, type FeatureSpec, type StatisticsJson } from '../../../src/dataset/index.js';
import type { Batch, Column, Feature, Row, Schema } from '../../../src/records/index.js';
import { cellOf, rowsToBatch } from '../../../src/records/index.js';

export type Cells = unknown[];

/** int64 columns as Float64Array, as readers hand them out by default. */
export function int64AsNumbers(batch: Batch): Batch {
  const columns = Object.entries(batch.columns).map(([name, column]): [string, Column] => {
    if (column.layout === 'bytes' || !(column.values instanceof BigInt64Array)) return [name, column];
    return [name, { ...column, values: Float64Array.from(column.values, Number) } as Column];
  });
  return { ...batch, columns: Object.fromEntries(columns) };
}

export function cellsOf(batch: Batch, name: string): Cells {
  return Array.from({ length: batch.size }, (_, row) => cellOf(batch.columns[name]!, row));
}

/** What one spec makes of some values of one column `x`, null among them. */
export function applied(
  spec: FeatureSpec,
  feature: Omit<Feature, 'name'>,
  values: readonly unknown[],
  statistics?: StatisticsJson,
): Cells {
  const schema: Schema = { features: [{ ...feature, name: 'x', nullable: true }] };
  const batch = rowsToBatch(
    values.map((x): Row => (x === null ? {} : ({ x } as Row))),
    schema,
  );
  return cellsOf(compileFeatures([spec], { schema, statistics })(batch), 'x');
}

/** Statistics of a column `x`, of which only what is given is known. */
export function statisticsOf(kind: Feature['kind'], known: object): StatisticsJson {
  const feature = { name: 'x', kind, count: 1, missing: 0, distinct: 1, distinctExact: true, top: [], topExact: true };
  return { records: 1, features: [{ ...feature, ...known }] };
}
