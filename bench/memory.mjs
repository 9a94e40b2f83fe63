// Peak memory of conversions: 66 MB and 2 GB of CSV as row ranges, by hash to 1,000 parts, and in global shuffle.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MEMORY_BAR_BYTES } from './bars.mjs';
import { CACHE, makeLargeCsv, makeTable } from './data/make.mjs';
import { runOnce } from './lib/measure.mjs';

const PARTITIONINGS = {
  'row ranges, 4 parts': {},
  'hash to 1,000 parts': { partitions: 1000, partitionBy: 'hash', key: 'Ticket' },
  'global shuffle': { partitionBy: 'shuffle', seed: 1 },
};

/** Every case as { shape, name, peakBytes, ... , reached }; the large CSV and all output are deleted at the end. */
export async function measureMemory({ quick, only }) {
  const table = makeTable('titanic', quick ? 'quick' : 'full', { records: false });
  const large = makeLargeCsv(table, quick ? 50e6 : 2e9);
  const out = join(CACHE, 'out-memory');
  const script = fileURLToPath(new URL('ours/convert.mjs', import.meta.url));
  const results = [];
  for (const { csv, rows } of [table, large]) {
    for (const [name, options] of Object.entries(PARTITIONINGS)) {
      if (!name.includes(only)) continue;
      const args = ['titanic', csv, out, '--options', JSON.stringify(options)];
      const run = await runOnce([process.execPath, script, ...args]);
      if (run.rows !== rows) throw new Error(`${name}: ${run.rows} rows of ${rows}`);
      const result = { shape: `${rows} rows`, cores: 2, name, rowsPerSecond: rows / run.seconds, ...run };
      results.push({ ...result, reached: run.peakBytes <= MEMORY_BAR_BYTES });
      process.stderr.write(`${result.shape} ${name}: ${Math.round(run.peakBytes / 1e6)} MB\n`);
      rmSync(out, { recursive: true, force: true });
    }
  }
  if (existsSync(large.csv)) rmSync(large.csv);
  return results;
}
