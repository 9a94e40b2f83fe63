import type { FixedColumn } from '../../records/batch.js';
import { asFloats, countOf, expectKind, fillNulls, inRowsOf, type KnownColumn, type Step, usage } from './columns.js';
import type { Normalize } from './specs.js';

/** Computes in double precision, then rounds to float32. */
export function normalize(spec: Normalize, input: KnownColumn): Step {
  expectKind('normalize', input, ['float', 'int64']);
  const { column, as = column, method = 'zScore', missing = 0 } = spec;
  const known = (what: 'mean' | 'std' | 'min' | 'max'): number => {
    const value = spec[what] ?? input.statistics?.[what];
    if (value !== undefined) return Number(value);
    throw usage('normalize', column, `no ${what} is given, and no statistics of the column tell one`);
  };
  const [shift, other] = method === 'zScore' ? [known('mean'), known('std')] : [known('min'), known('max')];
  const scale = (method === 'zScore' ? other : other - shift) || 1;
  const used = method === 'zScore' ? { mean: shift, std: other } : { min: shift, max: other };
  return {
    spec: { op: 'normalize', column, as, method, ...used, missing },
    output: { name: as, kind: 'float', shape: input.feature.shape },
    run([from], rows) {
      const count = countOf(from!, rows);
      const given = asFloats((from as FixedColumn).values, count);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = (given[i]! - shift) / scale;
      fillNulls(values, from!, rows, missing);
      return inRowsOf(from!, values);
    },
  };
}
