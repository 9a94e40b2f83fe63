// One rank of test/campaigns/kill-readers.mjs: node read-rank.mjs '{ uri, log, pauseMs, options }'. Writes of each batch the records that
// count to its log, before it tells its parent how far it is.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataset } from '../../dist/index.js';

const { uri, log, pauseMs, options } = JSON.parse(process.argv[2]);
const file = openSync(log, 'a');
const dataset = await openDataset(uri, { scanCache: false });
process.send({ ready: true });
for await (const { columns, mask, position } of dataset.batches(options)) {
  const ids = [...columns.id.values].filter((_, row) => mask[row] === 1);
  writeSync(file, `${JSON.stringify({ consumed: position.consumed, ids })}\n`);
  process.send({ position });
  if (pauseMs > 0) await sleep(pauseMs);
}
await dataset.close();
process.send({ done: true });
process.disconnect();
