// npm run campaign:kill -- [--count 50] [--seed N] [--rows 200000] [--hdfs]
// Kills conversions with SIGKILL at random moments, with and without --overwrite, and looks at what is left: the old
// dataset or the new one, whole; nothing else where there was nothing. The run after that succeeds and cleans up.
// With --hdfs the datasets lie on a real cluster, which the campaign starts and stops.
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { randomOf } from '../random.mjs';
import { hdfsPlace, localPlace, runTool, startTool, withCluster } from './places.mjs';

const PARTS = 4;

/** A table of three columns, whose bytes the random numbers decide. */
export async function writeCsv(path, rows, random) {
  const file = createWriteStream(path);
  file.write('id,x,name\n');
  for (let i = 0; i < rows; ) {
    let text = '';
    for (const end = Math.min(rows, i + 10_000); i < end; i++) text += `${i},${random()},"name, ${random() * 1e6}"\n`;
    if (!file.write(text)) await new Promise((resolve) => file.once('drain', resolve));
  }
  await new Promise((resolve) => file.end(resolve));
}

const convertArgs = (place, csv, target, overwrite) => [
  ...['convert', csv, '--to', place.uri(target), '--partitions', String(PARTS)],
  ...(overwrite ? ['--overwrite'] : []),
];

/**
 * What a reader finds at the target: the fingerprint of a whole dataset, or undefined where there is none.
 * @throws where something is there that is not whole
 */
export async function look(place, target) {
  const { code, stderr } = await startTool(place, ['verify', place.uri(target)]).ended;
  if (!(await place.exists(target))) {
    if (code === 0) throw new Error(`verify is content with ${target}, which does not exist`);
    return undefined;
  }
  if (code !== 0) throw new Error(`the dataset is there and not whole: ${stderr}`);
  const names = await place.names(target);
  if (names.filter((name) => name.startsWith('part')).length !== PARTS || !names.includes('_SUCCESS')) {
    throw new Error(`parts are missing: ${names}`);
  }
  return JSON.parse(await place.text(`${target}/_manifest.json`)).fingerprint;
}

/** Waits until `there` finds what it looks for, or the run has ended, and then up to `ms` more, without sleeping. */
async function spinUntil(there, isRunning, ms) {
  while (isRunning() && !(await there())) await setImmediate();
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** When a run is killed: at a random time; right after its data are ready and the renames begin; or amid the renames. */
const MOMENTS = {
  time: (random, seconds) => {
    const ms = random() * 1050 * seconds;
    return () => sleep(ms);
  },
  ready: (random) => {
    const ms = random() * 4;
    return (place, folder, isRunning) =>
      spinUntil(
        async () => {
          const temps = (await place.names(folder)).filter((name) => name.startsWith('_tmp-'));
          const isReady = await Promise.all(temps.map((name) => place.exists(`${folder}/${name}/ready`)));
          return isReady.includes(true);
        },
        isRunning,
        ms,
      );
  },
  moved: (random) => {
    const ms = random();
    return (place, folder, isRunning) =>
      spinUntil(async () => (await place.names(folder)).some((name) => name.startsWith('_old-')), isRunning, ms);
  },
};

/** Starts a conversion and kills it. Returns whether it was killed before it ended. */
async function killedRun({ place, folder, moment }, args) {
  const { child, ended } = startTool(place, args);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  await Promise.race([moment(place, folder, isRunning), ended]);
  child.kill('SIGKILL');
  const { code, signal, stderr } = await ended;
  if (signal === null && code !== 0) throw new Error(`the run failed by itself with ${code}: ${stderr}`);
  return signal === 'SIGKILL';
}

/** Makes the leftovers of a job that was killed before it could say who it is look as old as clean-up wants them. */
async function age(place, folder) {
  for (const name of (await place.names(folder)).filter((n) => n.startsWith('_tmp-'))) {
    const path = `${folder}/${name}`;
    if (await place.exists(`${path}/job.json`)) throw new Error(`${name} has a dead owner and was not cleaned up`);
    await place.age(path, 11 * 60);
  }
}

/** The run after a killed one: it succeeds, and nothing but the dataset is left beside it. */
async function nextRun({ place, folder, target, newCsv, newPrint }, overwrite) {
  for (const last of [false, true]) {
    await runTool(place, convertArgs(place, newCsv, target, overwrite || last));
    if ((await look(place, target)) !== newPrint) throw new Error('the next run made another dataset');
    const names = await place.names(folder);
    if (names.length === 1) return;
    if (last) throw new Error(`the next run left ${names}`);
    await age(place, folder);
  }
}

/** Kills one run and checks the promise. Returns what was found: none, old or new, and whether the kill came in time. */
async function killOnce(attempt) {
  const { place, folder, target, oldCsv, newCsv, oldPrint, newPrint, overwrite } = attempt;
  await place.remove(folder);
  await place.make(folder);
  if (overwrite) await runTool(place, convertArgs(place, oldCsv, target, false));
  const killed = await killedRun(attempt, convertArgs(place, newCsv, target, overwrite));
  const print = await look(place, target);
  if (print === undefined && overwrite) throw new Error('the old dataset is gone, and the new one is not there');
  if (print !== undefined && print !== newPrint && !(overwrite && print === oldPrint)) {
    throw new Error(`the dataset is neither the old one nor the new one: ${print}`);
  }
  if (!killed && print !== newPrint) throw new Error('the run ended well, but its dataset is not there');
  await nextRun(attempt, print !== undefined);
  return { killed, what: print === undefined ? 'none' : print === newPrint ? 'new' : 'old' };
}

/** Runs the campaign; resolves to how often each thing was found, rejects at the first broken promise. */
export async function killCampaign({ count, seed, rows, place = localPlace(), log = () => {} }) {
  const random = randomOf(seed);
  const local = mkdtempSync(join(tmpdir(), 'shardfeed-kill-'));
  const found = { killed: 0, ended: 0, none: 0, old: 0, new: 0 };
  try {
    const datasets = [];
    let seconds = 0;
    for (const name of ['a', 'b']) {
      const csv = join(local, `${name}.csv`);
      await writeCsv(csv, rows, random);
      ({ seconds } = await runTool(place, convertArgs(place, csv, name, false)));
      datasets.push({ csv, print: await look(place, name) });
    }
    for (let i = 0; i < count; i++) {
      const overwrite = i % 2 === 1;
      const [old, next] = i % 4 < 2 ? datasets : [datasets[1], datasets[0]];
      const names = Object.keys(MOMENTS).filter((name) => overwrite || name !== 'moved');
      const name = names[Math.floor(random() * names.length)];
      const { killed, what } = await killOnce({
        ...{ oldCsv: old.csv, oldPrint: old.print, newCsv: next.csv, newPrint: next.print },
        ...{ place, folder: 'work', target: 'work/dataset', overwrite, moment: MOMENTS[name](random, seconds) },
      });
      found[what]++;
      found[killed ? 'killed' : 'ended']++;
      log(`${i + 1}/${count} ${overwrite ? 'overwrite' : 'fresh'}, ${killed ? 'killed' : 'ended'} (${name}): ${what}`);
    }
  } finally {
    rmSync(local, { recursive: true, force: true });
    await place.remove('');
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      rows: { type: 'string', default: '200000' },
      hdfs: { type: 'boolean', default: false },
    },
  });
  const options = { count: Number(values.count), seed: Number(values.seed), rows: Number(values.rows) };
  console.log(`seed ${options.seed}, ${options.rows} rows`);
  const run = async (place) => console.log(JSON.stringify(await killCampaign({ ...options, place, log: console.log })));
  if (values.hdfs) await withCluster({}, async (cluster) => run(await hdfsPlace(cluster)));
  else await run(localPlace());
}
