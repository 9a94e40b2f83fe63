// One rank of test/campaigns/kill-train.mjs: node train-rank.mjs '{ uri, folder, journal, ... }'. It trains a sparse linear model by `fit`, and
// writes down which records each step of each attempt was made of. `blows` say where it dies: see `Doom`.
import { appendFileSync, writeFileSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const WEIGHTS = 60_000;
const TERMS = 32;

/** Kills this process at once: nothing of it runs any more, as if the power had failed. */
const die = () => {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
};

if (!isMainThread) {
  // Waits for the word, then so many microseconds.
  const { cell, micros } = workerData;
  Atomics.wait(cell, 0, 0);
  for (const end = performance.now() + micros / 1000; performance.now() < end; );
  die();
}

/** Ends, stops or holds up the process where a blow says: { attempt, rank, phase, step, micros, before }. */
class Doom {
  constructor(blows) {
    const { RANK, SHARDFEED_ATTEMPT } = process.env;
    const mine = ({ rank, attempt }) => rank === Number(RANK) && (attempt ?? 0) === Number(SHARDFEED_ATTEMPT);
    this.blow = (blows ?? []).find(mine);
    if (this.blow === undefined) return;
    const { phase, micros = 0 } = this.blow;
    this.cell = new Int32Array(new SharedArrayBuffer(4));
    this.killer = new Worker(import.meta.filename, { workerData: { cell: this.cell, micros }, execArgv: [] });
    this.online = new Promise((resolve) => this.killer.once('online', resolve));
    if (phase === 'write' || phase === 'rename') this.#watchFiles();
  }

  async ready() {
    await this.online;
    this.killer?.unref();
  }

  /** At a point of the work; `step` where it has one. */
  at(phase, step) {
    const { blow } = this;
    if (blow === undefined || blow.phase !== phase || (step !== undefined && blow.step !== step)) return;
    if (blow.act === 'stop') process.kill(process.pid, 'SIGSTOP');
    else if (blow.act === 'spin') for (;;);
    else {
      Atomics.store(this.cell, 0, 1);
      Atomics.notify(this.cell, 0);
    }
  }

  /** Whether a checkpoint of the step or a later one is being saved. */
  saving(step) {
    this.isSaving = step >= this.blow?.step;
    if (this.isSaving) this.at('write');
  }

  /** Strikes around what gives a checkpoint its name: a rename on disk, a request to the NameNode. */
  #watchFiles() {
    const { phase, before } = this.blow;
    if (phase !== 'rename') return;
    const { rename } = fsPromises;
    const isName = (text) => String(text).includes('step-');
    fsPromises.rename = async (from, to) => {
      const hit = this.isSaving && isName(to);
      if (hit && before) die();
      await rename(from, to);
      if (hit) die();
    };
    const { request } = http;
    http.request = (...args) => {
      const hit = this.isSaving && /op=RENAME/.test(args[0]?.path ?? '') && isName(args[0].path);
      if (hit && before) die();
      const made = request(...args);
      if (hit) made.on('response', die);
      return made;
    };
    syncBuiltinESMExports();
  }
}

const config = JSON.parse(process.argv[2]);
const doom = new Doom(config.blows);
// Behind the hooks, which modules that are loaded from here on see.
const { openDataset } = await import('../../dist/index.js');
const { adam, everySteps, fit: train, freeModel, joinGroup } = await import('../../dist/train/index.js');

const attempt = Number(process.env.SHARDFEED_ATTEMPT);
const journal = (line) => {
  appendFileSync(join(config.journal, `rank-${process.env.RANK}`), `${JSON.stringify({ attempt, ...line })}\n`);
};
const idsOf = ({ columns, mask }) => [...columns.id.values].filter((_, row) => mask[row] === 1);
/** The places and values of a record's terms, and its label. */
const termsOf = (id) =>
  Array.from({ length: TERMS }, (_, j) => [(id * 7919 + j * j * 104_729) % WEIGHTS, Math.sin(id + j)]);
const labelOf = (id) => Math.cos(id);
const errorOf = (id) => termsOf(id).reduce((sum, [at, x]) => sum + weights[at] * x, -labelOf(id));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const weights = new Float32Array(WEIGHTS);
const model = freeModel({
  variables: { w: weights },
  async trainStep(batch, { step }) {
    const ids = idsOf(batch);
    journal({ step, ids });
    doom.at('forward', step);
    const gradient = new Float64Array(WEIGHTS);
    let loss = 0;
    for (const id of ids) {
      const error = errorOf(id);
      loss += error ** 2;
      for (const [at, x] of termsOf(id)) gradient[at] += 2 * error * x;
    }
    if (config.slow?.rank === Number(process.env.RANK)) await pause(3 * config.slow.ms);
    else if (config.slow !== undefined) await pause(config.slow.ms);
    doom.at('collective', step);
    const weight = ids.length;
    return { gradients: { w: gradient.map((x) => x / weight) }, loss: loss / weight, weight };
  },
  evaluate(batch) {
    doom.at('evaluate');
    const ids = [...batch.columns.id.values];
    const values = (of) => Float32Array.from(ids, of);
    const rows = Float32Array.from(batch.mask);
    const losses = ids.map((id, row) => rows[row] * errorOf(id) ** 2);
    return {
      loss: losses.reduce((sum, x) => sum + x, 0),
      weight: rows.reduce((sum, x) => sum + x, 0),
      ...{ predictions: values((id) => errorOf(id) + labelOf(id)), labels: values(labelOf), weights: rows },
    };
  },
});

await doom.ready();
const dataset = await openDataset(config.uri, { scanCache: false });
doom.at('rendezvous');
const group = await joinGroup({ deadlines: config.deadlines ?? {} });
const every = everySteps(config.saveEvery);
await train({
  ...{ model, dataset, group, optimizer: adam({ learningRate: 0.05 }), epochs: config.epochs, seed: config.seed },
  read: { globalBatchSize: config.batchSize, shuffle: true },
  validation: { dataset },
  checkpoint: {
    folder: config.folder,
    every(progress) {
      const now = every(progress) || progress.epochEnd;
      if (now) doom.saving(progress.step);
      return now;
    },
  },
  callbacks: { onStart: ({ step }) => journal({ from: step }) },
});
writeFileSync(join(config.journal, `weights-${process.env.RANK}`), weights);
await group.close();
await dataset.close();
