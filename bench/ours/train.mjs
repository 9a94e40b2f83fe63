// train.mjs FOLDER WORKERS BATCH EPOCHS THREADS: wide & deep from the TFRecords of all part files but the last, with BATCH rows a worker and step, and
// log-loss and accuracy on the last one. The worker processes are started from here; times are of the epochs, as rank 0 sees them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFeatures, openDataset } from '../../dist/dataset/index.js';
import { compileModel, evaluate, fit, joinGroup } from '../../dist/train/index.js';
import { CACHE } from '../data/make.mjs';
import { partsOf, sizeOf, startClock } from '../lib/clock.mjs';
import { columns, features, model, optimizer, schema } from './wide-deep.mjs';

const [folder, workers, batch, epochs, threads] = process.argv.slice(2);

if (Number(workers) > 1 && process.env.RANK === undefined) await startWorkers(Number(workers));
else await train();

async function startWorkers(count) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const ends = Array.from({ length: count }, (_, rank) => {
    const env = { ...process.env, RANK: rank, WORLD_SIZE: count, MASTER_ADDR: '127.0.0.1', MASTER_PORT: port };
    return once(
      spawn(process.execPath, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { env, stdio: 'inherit' }),
      'exit',
    );
  });
  for (const [code] of await Promise.all(ends)) process.exitCode ||= code ?? 1;
}

async function train() {
  const parts = partsOf(folder);
  const open = (files) => openDataset(files, { schema, scanCache: join(CACHE, 'scans') });
  const [dataset, test] = [await open(parts.slice(0, -1)), await open(parts.slice(-1))];
  const transform = compileFeatures(features, { schema });
  const prepare = (stream) => stream.map(transform);
  const group = await joinGroup();
  const globalBatchSize = Number(batch) * group.worldSize;
  const read = { globalBatchSize, columns, tail: 'drop', threads: Number(threads) };
  let clock;
  let rows = 0;
  const { model: trained } = await fit({
    model: compileModel(model, { schema: transform.schema }),
    group,
    dataset,
    read,
    prepare,
    optimizer,
    epochs: Number(epochs),
    callbacks: {
      onStart() {
        clock = startClock();
      },
      onStep: () => {
        rows += globalBatchSize;
      },
    },
  });
  const seconds = clock.seconds();
  const { loss, accuracy } = await evaluate({
    model: trained,
    group,
    dataset: test,
    read: { globalBatchSize: 4096, columns, shuffle: false, tail: 'pad' },
    prepare,
    metrics: ['accuracy'],
  });
  await group.close();
  if (group.rank === 0) clock.report(rows, sizeOf(parts), { seconds, loss, accuracy });
}
