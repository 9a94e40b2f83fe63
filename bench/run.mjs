// npm run bench -- convert | read | train | memory | hdfs | plan | allreduce [--quick | --large] [--shapes a,b] [--repeats N] [--cores 1,2] [--only TEXT] [--hdfs] [--json FILE [--add]] [--python PATH]
// Measures shardfeed and what a user would take instead, in one run: times, memory of the process tree, and the ratios
// that shardfeed must reach. The data is made on first use under .cache/bench. `read --hdfs` reads it from a cluster on this
// machine; `--add` leaves the rows of the file that this run did not measure; `--python` (or SHARDFEED_PEERS_PYTHON) is one that has torch, tensorflow and
// tf_keras, for allreduce and train.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAllReduce } from './allreduce.mjs';
import { BARS } from './bars.mjs';
import { makeTable } from './data/make.mjs';
import { measureHdfs, withHdfs } from './hdfs.mjs';
import { machine } from './lib/machine.mjs';
import { measure } from './lib/measure.mjs';
import { markdownTable } from './lib/table.mjs';
import { SHAPES } from './lib/tables.mjs';
import { measureMemory } from './memory.mjs';
import { measurePlan } from './plan.mjs';
import { convertVariants, hdfsReadVariants, readVariants, trainVariants } from './variants.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    shapes: { type: 'string', default: SHAPES.join(',') },
    repeats: { type: 'string', default: '3' },
    cores: { type: 'string', default: '1,2' },
    only: { type: 'string', default: '' },
    hdfs: { type: 'boolean', default: false },
    json: { type: 'string' },
    add: { type: 'boolean', default: false },
    python: { type: 'string', default: process.env.SHARDFEED_PEERS_PYTHON },
  },
});
const [work] = positionals;
const size = values.quick ? 'quick' : values.large ? 'large' : 'full';

if (work === 'memory') {
  const results = await measureMemory({ quick: values.quick, only: values.only });
  finish({ results });
} else if (work === 'plan') {
  await measurePlan({ quick: values.quick, repeats: Number(values.repeats), only: values.only });
} else if (work === 'allreduce') {
  const { quick, only, python, repeats } = values;
  save(await measureAllReduce({ quick, only, python, repeats: Number(repeats) }));
} else if (work === 'hdfs') {
  const results = await measureHdfs({ size, repeats: Number(values.repeats), only: values.only });
  finish({ results, ratios: ratiosOf(results) });
} else if (work === 'read' && values.hdfs) {
  await withHdfs(async ({ env }, copy) => {
    const variantsOf = async (table) => hdfsReadVariants(table, await copy(table.records, table.shape));
    finish(await measureSpeed(variantsOf, env));
  });
} else if (work === 'train') {
  finish(await measureSpeed((table) => trainVariants(table, values.python), undefined, ['titanic']));
} else if (work === 'convert' || work === 'read') {
  finish(await measureSpeed(work === 'convert' ? convertVariants : readVariants));
} else {
  console.error(
    'usage: npm run bench -- convert|read|train|memory|hdfs|plan|allreduce [--quick | --large] [--shapes titanic,criteo,dense] [--repeats 3]',
  );
  process.exitCode = 2;
}

async function measureSpeed(variantsOf, env, shapes = values.shapes.split(',')) {
  const results = [];
  for (const shape of shapes) {
    const table = makeTable(shape, size, { records: work !== 'convert' });
    const variants = (await variantsOf(table)).filter((v) => v.name.includes(values.only));
    for (const variant of variants) {
      for (const cores of values.cores.split(',').map(Number)) {
        if (variant.cores?.includes(cores) === false) continue;
        const repeats = Math.min(Number(values.repeats), variant.maxRepeats ?? Number.POSITIVE_INFINITY);
        const result = await measure(variant.command, {
          cores: cores === 1 ? '1' : '0,1',
          repeats,
          rows: variant.rows,
          env,
        });
        results.push({ shape, cores, name: variant.name, ...result });
        process.stderr.write(`${shape} ${variant.name}, ${cores} core(s): ${rate(result.rowsPerSecond)} rows/s\n`);
      }
    }
  }
  return { results, ratios: ratiosOf(results) };
}

/** The bars whose both sides were measured. On a busy machine the ratio of CPU times says more than that of the clock. */
function ratiosOf(results) {
  const find = (shape, name, cores) => results.find((r) => r.shape === shape && r.name === name && r.cores === cores);
  return BARS[work].flatMap((bar) => {
    const ours = find(bar.shape, bar.ours, bar.cores);
    const peer = find(bar.shape, bar.peer, bar.peerCores ?? bar.cores);
    if (ours === undefined || peer === undefined) return [];
    const ratio = ours.rowsPerSecond / peer.rowsPerSecond;
    const cpuRatio = ours.rows / ours.cpuSeconds / (peer.rows / peer.cpuSeconds);
    return [{ ...bar, ratio, cpuRatio, reached: ratio >= bar.bar && cpuRatio >= (bar.cpuBar ?? 0) }];
  });
}

function finish({ results, ratios = [] }) {
  console.log(JSON.stringify(machine()));
  const header = ['table', 'cores', 'what', 'rows/s', 'MB/s', 'seconds', 'CPU s', 'CPU s/GB', 'peak MB', 'others'];
  const rows = results.map((r) => [
    r.shape,
    r.cores,
    r.name,
    r.rows === r.bytes ? '' : rate(r.rowsPerSecond),
    rate(r.bytes / r.seconds / 1e6),
    r.seconds.toFixed(3),
    r.cpuSeconds.toFixed(2),
    ((r.cpuSeconds / r.bytes) * 1e9).toFixed(2),
    rate(r.peakBytes / 1e6),
    (r.othersCores ?? []).join(' '),
  ]);
  console.log(markdownTable(header, rows));
  if (ratios.length > 0) {
    const line = (r) => {
      const against = `${r.peer}${r.peerCores === undefined ? '' : ` on ${r.peerCores} core`}`;
      const aims = [`${r.bar} x`, r.goal === undefined ? '' : `${r.goal} x`];
      return [
        r.shape,
        r.cores,
        r.ours,
        against,
        `${r.ratio.toFixed(2)} x`,
        `${r.cpuRatio.toFixed(2)} x`,
        ...aims,
        r.reached ? 'yes' : 'NO',
      ];
    };
    console.log(
      `\n${markdownTable(['table', 'cores', 'what', 'against', 'ratio', 'by CPU', 'bar', 'goal', 'reached'], ratios.map(line))}`,
    );
  }
  const tidy = results.map(({ allSeconds, ...r }) => ({
    ...r,
    allSeconds: allSeconds?.map((s) => Number(s.toFixed(4))),
  }));
  if (values.json !== undefined) save(values.add ? added(tidy) : { results: tidy, ratios });
}

/** Into the file, if one is named. */
function save(measured) {
  if (values.json === undefined) return;
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ work, size, machine: machine(), ...measured }, null, 1)}\n`);
}

/** The rows of the file, with those of this run in their places or at the end. */
function added(results) {
  const { results: before } = JSON.parse(readFileSync(values.json, 'utf8'));
  const key = ({ shape, cores, name }) => JSON.stringify([shape, cores, name]);
  const rows = new Map([...before, ...results].map((row) => [key(row), row]));
  return { results: [...rows.values()], ratios: ratiosOf([...rows.values()]) };
}

function rate(value) {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1);
}
