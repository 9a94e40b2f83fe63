// npm run campaign:hdfs-faults -- [--count 20] [--seed N] [--rate 0.05] [--rows 50000]
// Converts to and reads from a real cluster through a proxy that breaks a share of all exchanges. A conversion either
// succeeds, and the dataset is the very one that an undisturbed run makes, or fails within 120 s with an error of ours, and
// nothing is there. Reading gives all of it or such an error, and never takes a broken connection for broken data.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startFaultProxy } from '../hdfs/support/fault-proxy.mjs';
import { bySeed } from '../hdfs/support/faults.mjs';
import { randomOf } from '../random.mjs';
import { look, writeCsv } from './kill-convert.mjs';
import { hdfsPlace, runTool, startTool, withCluster } from './places.mjs';

const MOST_SECONDS = 125; // 120 for the operation, and the start of the process

const convertArgs = (input, output) => ['convert', input, '--to', output, '--partitions', '4'];

/** What a run says of itself: `ok`, or the code of its error. @throws where it took too long or failed in another way */
function outcomeOf({ code, signal, stderr, seconds }, what) {
  const say = (why) => new Error(`${what}: ${why}: ${stderr}`);
  if (seconds > MOST_SECONDS) throw say(`it took ${seconds.toFixed(0)} s`);
  if (code === 0) return 'ok';
  const error = /^shardfeed: (SHARDFEED_[A-Z_]+): /m.exec(stderr)?.[1];
  if (signal !== null || error === undefined) throw say(`it ended with ${code ?? signal} and no error of ours`);
  if (code === 3) throw say('a broken connection was taken for broken data');
  return error;
}

/** One conversion and one reading with faults, then whatever is left to do without. */
async function attempt({ place, proxied, csv, print, folder }) {
  const target = `${folder}/dataset`;
  await place.remove(folder);
  await place.make(folder);
  const written = await startTool(place, convertArgs(csv, proxied.uri(target))).ended;
  const wrote = outcomeOf(written, 'convert');
  const found = await look(place, target);
  if (found !== undefined && found !== print) throw new Error(`the dataset is another one: ${found}`);
  if (wrote === 'ok' && found === undefined) throw new Error('convert was content, and nothing is there');
  if (wrote !== 'ok' && found !== undefined && wrote !== 'SHARDFEED_HDFS_UNREACHABLE') {
    throw new Error(`convert failed with ${wrote}, and its dataset is there: ${written.stderr}`);
  }
  if (found === undefined) await runTool(place, convertArgs(csv, place.uri(target)));
  if ((await look(place, target)) !== print) throw new Error('the run without faults made another dataset');
  const names = await place.names(folder);
  if (wrote === 'ok' && names.length !== 1) throw new Error(`a run that succeeded left ${names}`);
  const read = outcomeOf(await startTool(place, ['verify', proxied.uri(target)]).ended, 'verify');
  return { wrote, read, seconds: written.seconds };
}

/** Runs the campaign; resolves to how often each thing happened, rejects at the first broken promise. */
export async function faultCampaign({ cluster, count, seed, rate, rows, log = () => {} }) {
  const random = randomOf(seed);
  const local = mkdtempSync(join(tmpdir(), 'shardfeed-faults-'));
  const proxy = await startFaultProxy({ names: [cluster.nn[0].http] });
  const place = await hdfsPlace(cluster, '/faults');
  const proxied = { uri: (path) => `webhdfs://${proxy.addressOf(cluster.nn[0].http)}/faults/${path}` };
  const found = { faults: 0, slowest: 0 };
  const tally = (what) => {
    found[what] = (found[what] ?? 0) + 1;
  };
  try {
    const csv = join(local, 'table.csv');
    await writeCsv(csv, rows, random);
    await runTool(place, ['convert', csv, '--to', place.uri('whole'), '--partitions', '4']);
    const print = await look(place, 'whole');
    await place.make('input');
    for (let i = 0; i < count; i++) {
      const own = Math.floor(random() * 2 ** 32);
      proxy.decide = bySeed(own, rate);
      proxy.exchanges.length = 0;
      const { wrote, read, seconds } = await attempt({ place, proxied, csv, print, folder: 'work' }).catch((cause) => {
        throw new Error(`attempt ${i + 1} (its seed ${own}): ${cause.message}`, { cause });
      });
      const struck = proxy.exchanges.map(({ fault }) => fault).filter((fault) => fault !== undefined);
      tally(`wrote ${wrote}`);
      tally(`read ${read}`);
      found.faults += struck.length;
      found.slowest = Math.max(found.slowest, Math.round(seconds));
      log(`${i + 1}/${count} seed ${own}: wrote ${wrote} in ${seconds.toFixed(1)} s, read ${read}; ${struck}`);
    }
  } finally {
    await proxy[Symbol.asyncDispose]();
    rmSync(local, { recursive: true, force: true });
    await place.remove('');
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      rate: { type: 'string', default: '0.05' },
      rows: { type: 'string', default: '50000' },
    },
  });
  const options = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]));
  console.log(`seed ${options.seed}`);
  await withCluster({}, async (cluster) =>
    console.log(JSON.stringify(await faultCampaign({ cluster, ...options, log: console.log }))),
  );
}
