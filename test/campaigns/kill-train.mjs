// npm run campaign:kill-train -- [--count 18] [--seed N] [--workers 2] [--hdfs]
// Trains with several processes, kills one of them with SIGKILL at rendezvous, in the forward pass, amid a collective, while a checkpoint is
// written, at its rename, or in an evaluation, in turn, at a random step; sometimes the next attempt too. Every surviving rank ends by itself
// within the silence deadline and 5 s; after the restarts the steps whose updates survive hold every record of each epoch once, and
// the weights are those of an undisturbed run, bit for bit. With --hdfs dataset and checkpoints lie on a real cluster.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launchLocal } from '../../dist/launch/index.js';
import { randomOf } from '../random.mjs';
import { writeCsv } from './kill-convert.mjs';
import { hdfsPlace, localPlace, runTool, withCluster } from './places.mjs';

const RANK = fileURLToPath(new URL('train-rank.mjs', import.meta.url));
const PHASES = ['rendezvous', 'forward', 'collective', 'write', 'rename', 'evaluate'];
const ROWS = 300;
const BATCH = 40;
const EPOCHS = 2;
const STEPS = EPOCHS * Math.ceil(ROWS / BATCH);
const SAVE_EVERY = 3;
const SILENCE = 10;
const LEFT = '/dev/shm';

/** How long after its moment a process is killed, in microseconds: within what the phase takes. */
const SPANS = { rendezvous: 150_000, forward: 1_000, collective: 1_500, write: 15_000, rename: 0, evaluate: 1_000 };

/** Where a rank dies in an attempt. Checkpoints are rank 0's business. */
function blowOf(phase, attempt, workers, random) {
  const rank = phase === 'write' || phase === 'rename' ? 0 : Math.floor(random() * workers);
  const step = Math.floor(random() * (STEPS - SAVE_EVERY - 1));
  return { attempt, rank, phase, step, micros: Math.floor(random() * SPANS[phase]), before: random() < 0.5 };
}

export async function makeDataset(place) {
  const local = mkdtempSync(join(tmpdir(), 'shardfeed-train-'));
  try {
    const csv = join(local, 'table.csv');
    await writeCsv(csv, ROWS, randomOf(1));
    await runTool(place, ['convert', csv, '--to', place.uri('dataset'), '--partitions', '4']);
  } finally {
    rmSync(local, { recursive: true });
  }
}

/** Trains once. Returns how it ended, with the journals of the ranks and the weights of each. */
export async function train({ place, folder, workers, onEvent = () => {}, config = {}, ...options }) {
  const journal = mkdtempSync(join(tmpdir(), 'shardfeed-journal-'));
  const settings = {
    ...{ uri: place.uri('dataset'), folder: place.uri(folder), journal, epochs: EPOCHS, seed: 5 },
    ...{ batchSize: BATCH, saveEvery: SAVE_EVERY, ...config },
  };
  const lines = [];
  try {
    const launched = await launchLocal({
      ...{ script: RANK, args: [JSON.stringify(settings)], workers, env: { ...process.env, ...place.env } },
      onLine: (rank, _, line) => void lines.push(`[${rank}] ${Buffer.from(line)}`),
      onEvent,
      ...options,
    });
    const read = (name) => readFileSync(join(journal, name));
    const names = readdirSync(journal);
    const ranks = names.filter((name) => name.startsWith('rank-')).sort();
    const parse = (name) =>
      read(name)
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const weights = names.filter((name) => name.startsWith('weights-')).map(read);
    return { launched, journals: ranks.map(parse), weights, lines };
  } finally {
    rmSync(journal, { recursive: true });
  }
}

/** Checks that the steps whose updates survive hold every record of every epoch once. */
export function checkHistory(journals, rows = ROWS) {
  const starts = journals[0].filter(({ from }) => from !== undefined);
  const perEpoch = STEPS / EPOCHS;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const seen = [];
    for (let step = epoch * perEpoch; step < (epoch + 1) * perEpoch; step++) {
      const { attempt } = starts.findLast(({ from }) => from <= step);
      // Attempts may have fewer ranks than others.
      for (const journal of journals.filter((lines) => lines.some((line) => line.attempt === attempt))) {
        const made = journal.filter((line) => line.attempt === attempt && line.step === step);
        if (made.length !== 1) throw new Error(`step ${step} was made ${made.length} times in attempt ${attempt}`);
        seen.push(...made[0].ids);
      }
    }
    const sorted = seen.toSorted((a, b) => a - b);
    if (sorted.length !== rows || sorted.some((id, i) => id !== i)) {
      throw new Error(
        `epoch ${epoch} holds ${sorted.length} records, ${new Set(sorted).size} different ones, of ${rows}`,
      );
    }
  }
}

/** Checks how the ranks of each attempt ended: the one that was struck by SIGKILL, the others by themselves and in time. */
class Ends {
  seconds = 0;
  /** The phases in which ranks were killed. */
  killed = [];
  #first;
  #blows;
  #attempt = 0;

  constructor(blows) {
    this.#blows = blows;
  }

  hear(event) {
    if (event.type === 'start') {
      this.#attempt = event.attempt;
      this.#first = undefined;
    }
    if (event.type !== 'exit' || event.code === 0) return;
    this.#first ??= performance.now();
    const blow = this.#blows.find(({ attempt }) => attempt === this.#attempt);
    if (blow?.rank === event.rank && event.signal === 'SIGKILL' && !event.killed) this.killed.push(blow.phase);
    // Who waits for a rank that never came is ended by the launcher, long before the join deadline.
    else if (event.signal !== null && blow?.phase !== 'rendezvous')
      throw new Error(`rank ${event.rank} was ended by ${event.signal}, not by itself`);
    this.seconds = Math.max(this.seconds, (performance.now() - this.#first) / 1000);
  }
}

/** Strikes one training; checks the promises. Returns what happened. */
async function strikeOnce({ place, folder, workers, blows, weights }) {
  const ends = new Ends(blows);
  const before = readdirSync(LEFT);
  let problem;
  const onEvent = (event) => {
    try {
      ends.hear(event);
    } catch (error) {
      problem ??= error;
    }
  };
  const config = { blows, deadlines: { silence: SILENCE } };
  const linger = SILENCE + 10;
  const run = await train({ place, folder, workers, onEvent, config, linger, pause: 0.05, maxRestarts: blows.length });
  const { launched, journals, lines } = run;
  const fail = (what) => {
    throw new Error(`${what}\n${JSON.stringify(launched)}\n${lines.slice(-30).join('\n')}`);
  };
  if (problem !== undefined) fail(problem.message);
  if (launched.exitCode !== 0) fail('the job failed');
  if (ends.seconds > SILENCE + 5) fail(`the last rank ended ${ends.seconds} s after the first`);
  if (run.weights.length !== workers) fail(`${run.weights.length} ranks have trained to the end`);
  if (!run.weights.every((bytes) => bytes.equals(weights))) fail('the weights are not those of the undisturbed run');
  checkHistory(journals);
  const left = readdirSync(LEFT).filter((name) => !before.includes(name));
  if (left.some((name) => name.includes('shardfeed'))) fail(`left in ${LEFT}: ${left}`);
  return { killed: ends.killed, attempts: launched.attempts, seconds: ends.seconds };
}

/** Runs the campaign: kills by phase, and the longest time from the first to the last end. Rejects at the first broken promise. */
export async function killTrainCampaign({
  count,
  seed,
  workers = 2,
  place = localPlace(),
  phases = PHASES,
  log = () => {},
}) {
  const random = randomOf(seed);
  const found = { kills: {}, longest: 0 };
  try {
    await makeDataset(place);
    const { launched, weights, lines } = await train({ place, folder: 'undisturbed', workers, maxRestarts: 0 });
    if (launched.exitCode !== 0) throw new Error(`the undisturbed run failed:\n${lines.join('\n')}`);
    for (let i = 0; i < count; i++) {
      const phase = phases[i % phases.length];
      const blows = [blowOf(phase, 0, workers, random)];
      if (random() < 0.3) blows.push(blowOf(phases[Math.floor(random() * phases.length)], 1, workers, random));
      const folder = `checkpoints-${i}`;
      const { killed, attempts, seconds } = await strikeOnce({ place, folder, workers, blows, weights: weights[0] });
      for (const phase of killed) found.kills[phase] = (found.kills[phase] ?? 0) + 1;
      found.longest = Math.max(found.longest, seconds);
      log(
        `${i + 1}/${count} ${JSON.stringify(blows)}: killed in ${killed}, ${attempts} attempts, ended in ${seconds.toFixed(2)} s`,
      );
    }
  } finally {
    await place.remove('');
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '18' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      workers: { type: 'string', default: '2' },
      hdfs: { type: 'boolean', default: false },
    },
  });
  const options = { count: Number(values.count), seed: Number(values.seed), workers: Number(values.workers) };
  console.log(`seed ${options.seed}, ${options.workers} workers`);
  const run = async (place) => {
    console.log(JSON.stringify(await killTrainCampaign({ ...options, place, log: console.log })));
  };
  if (values.hdfs) await withCluster({}, async (cluster) => run(await hdfsPlace(cluster)));
  else await run(localPlace());
}
