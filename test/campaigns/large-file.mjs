// large-file.mjs [--gib 3] [--threads 0,2]: a part file with offsets beyond 2^32 is written to a temporary folder and read back in its own
// order and shuffled, over two ranks: every record comes exactly once. Needs that much disk; run `npm run build` first.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeExample, openDataset } from '../../dist/index.js';
import { frameRecords } from '../../dist/records/index.js';

const { values } = parseArgs({
  options: { gib: { type: 'string', default: '3' }, threads: { type: 'string', default: '0,2' } },
});
const RECORD = 1 << 20;
const schema = {
  features: [
    { name: 'id', kind: 'int64', shape: [] },
    { name: 'filler', kind: 'bytes', shape: [] },
  ],
};
const count = Math.ceil((Number(values.gib) * 2 ** 30) / RECORD);
const folder = await mkdtemp(join(tmpdir(), 'shardfeed-large-'));
try {
  const file = await open(join(folder, 'part-00000'), 'w');
  const filler = 'x'.repeat(RECORD);
  for (let id = 0; id < count; id++) await file.write(frameRecords([encodeExample({ id, filler }, schema)]));
  await file.close();
  const dataset = await openDataset(folder, { schema, scanCache: false });
  if (dataset.count !== count) throw new Error(`${dataset.count} records of ${count}`);
  const last = await dataset.get(count - 1);
  if (last.id !== count - 1) throw new Error(`record ${count - 1} is ${last.id}`);
  for (const threads of values.threads.split(',').map(Number)) {
    for (const shuffle of [false, { window: 256, block: 8 }]) {
      const seen = new Uint8Array(count);
      for (const rank of [0, 1]) {
        const options = { rank, worldSize: 2, globalBatchSize: 64, shuffle, threads, columns: ['id'] };
        for await (const { columns, mask } of dataset.batches(options)) {
          mask.forEach((counts, row) => {
            seen[columns.id.values[row]] += counts;
          });
        }
      }
      const wrong = seen.findIndex((times) => times !== 1);
      if (wrong >= 0) throw new Error(`threads ${threads}: record ${wrong} came ${seen[wrong]} times`);
      console.log(`threads ${threads}, ${shuffle === false ? 'in order' : 'shuffled'}: ${count} records, each once`);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
