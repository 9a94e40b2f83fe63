// npm run campaign:kill-readers -- [--count 20] [--seed N] [--rows 20000] [--hdfs]
// Reads an epoch with several processes, kills them all with SIGKILL at random moments, and goes on from the last stored position
// with another number of them. What a process delivered at or after that position is rolled back, as training would.
// At the end every record was delivered exactly once, and every global batch was one that an undisturbed epoch has.
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { randomOf } from '../random.mjs';
import { hdfsPlace, localPlace, runTool, withCluster } from './places.mjs';

const RANK = fileURLToPath(new URL('read-rank.mjs', import.meta.url));

/** Runs all ranks from a position until they are done, or are killed `killMs` after all have opened the dataset. */
async function attempt({ place, folder, uri, worldSize, options, position, killMs, pauseMs }) {
  mkdirSync(folder);
  const logs = Array.from({ length: worldSize }, (_, rank) => join(folder, `rank-${rank}.log`));
  const done = new Array(worldSize).fill(false);
  const ready = [];
  // The position that all ranks have reached is stored, as a checkpoint would be.
  const reached = new Array(worldSize).fill(position);
  let stored = position;
  const children = logs.map((log, rank) => {
    writeFileSync(log, '');
    const job = { uri, log, pauseMs, options: { ...options, rank, worldSize, ...(position && { position }) } };
    const child = fork(RANK, [JSON.stringify(job)], {
      env: { ...process.env, ...place.env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    let setReady;
    ready.push(
      new Promise((resolve) => {
        setReady = resolve;
      }),
    );
    child.on('message', (message) => {
      if (message.ready) setReady();
      if (message.done) done[rank] = true;
      if (message.position === undefined) return;
      reached[rank] = message.position;
      const least = reached.reduce((a, b) => ((a?.consumed ?? 0) <= (b?.consumed ?? 0) ? a : b));
      if (least !== undefined) stored = least;
    });
    const ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        setReady();
        resolve({ rank, code, signal, stderr });
      });
    });
    return { child, ended };
  });
  const all = Promise.all(children.map(({ ended }) => ended));
  await Promise.all(ready);
  const timer = new AbortController();
  await Promise.race([all, sleep(killMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
  for (const { child } of children) child.kill('SIGKILL');
  for (const { rank, code, signal, stderr } of await all) {
    if (signal === null && code !== 0) throw new Error(`rank ${rank} of ${worldSize} failed by itself: ${stderr}`);
  }
  return { logs, stored, done: done.every(Boolean) };
}

/** Lines that were written whole: a kill may cut the last one. */
function* linesOf(log) {
  const text = readFileSync(log, 'utf8');
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) if (line !== '') yield JSON.parse(line);
}

/** One epoch with kills, from its start to its end. Resolves to the number of kills. */
async function epochWithKills({ place, uri, rows, folder, random, pick }) {
  const lanes = pick([1, 2, 4, 8]);
  const shuffle = pick([false, 'global', { window: pick([64, 512, 4096]), block: pick([1, 7, 32]) }]);
  const ordered = { shuffle, ...(typeof shuffle === 'object' && { lanes }), seed: Math.floor(random() * 1e9) };
  const threads = pick([0, 0, 1]);
  const delivered = new Map();
  let position;
  let kills = 0;
  for (let run = 0; ; run++) {
    const worldSize = 1 + Math.floor(random() * 4);
    const globalBatchSize = 8 * pick([4, 8, 20]);
    const { logs, stored, done } = await attempt({
      ...{ place, folder: join(folder, String(run)), uri, worldSize, position },
      options: { ...(position ? {} : ordered), globalBatchSize, threads, columns: ['id'], allowAmplification: true },
      killMs: run > 8 ? 1e6 : random() * 400,
      pauseMs: pick([0, 1, 5]),
    });
    const upTo = stored?.consumed ?? 0;
    for (const log of logs) {
      for (const { consumed, ids } of linesOf(log)) {
        if (!done && consumed > upTo) continue;
        for (const id of ids) delivered.set(id, (delivered.get(id) ?? 0) + 1);
      }
    }
    position = stored;
    if (done) break;
    kills++;
  }
  const twice = [...delivered].filter(([, times]) => times > 1).length;
  if (twice > 0 || delivered.size !== rows) {
    const what = `${rows - delivered.size} of ${rows} records are missing, ${twice} came twice`;
    throw new Error(`${what}: ${JSON.stringify({ ordered, position })}`);
  }
  return kills;
}

/** Runs the campaign; resolves to what it did, rejects at the first broken promise. */
export async function killReadersCampaign({ count, seed, rows, place = localPlace(), log = () => {} }) {
  const random = randomOf(seed);
  const pick = (choices) => choices[Math.floor(random() * choices.length)];
  const local = mkdtempSync(join(tmpdir(), 'shardfeed-kill-readers-'));
  let kills = 0;
  try {
    const csv = join(local, 'rows.csv');
    writeFileSync(
      csv,
      `id,text\n${Array.from({ length: rows }, (_, id) => `${id},${'x'.repeat(id % 50)}\n`).join('')}`,
    );
    await runTool(place, ['convert', csv, '--to', place.uri('dataset'), '--partitions', '5']);
    // Readers that were all done before the kill prove nothing: then there are more epochs.
    let epochs = 0;
    for (; epochs < count || (kills === 0 && epochs < 10 * count); epochs++) {
      const folder = join(local, String(epochs));
      mkdirSync(folder);
      const killed = await epochWithKills({ place, uri: place.uri('dataset'), rows, folder, random, pick });
      kills += killed;
      log(`${epochs + 1}/${count}: every record once, through ${killed} kills`);
      rmSync(folder, { recursive: true });
    }
    return { epochs, kills };
  } finally {
    rmSync(local, { recursive: true, force: true });
    await place.remove('');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      rows: { type: 'string', default: '20000' },
      hdfs: { type: 'boolean', default: false },
    },
  });
  const options = { count: Number(values.count), seed: Number(values.seed), rows: Number(values.rows) };
  console.log(`seed ${options.seed}, ${options.rows} rows`);
  const run = async (place) =>
    console.log(JSON.stringify(await killReadersCampaign({ ...options, place, log: console.log })));
  if (values.hdfs) await withCluster({}, async (cluster) => run(await hdfsPlace(cluster)));
  else await run(localPlace());
}
