// npm run hdfs -- start | stop | status | kill | spawn | tool: a real HDFS on this machine, for tests, demo and trying out.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as hdfs from './cluster.mjs';

const USAGE = `usage: npm run hdfs -- COMMAND [--dir FOLDER]
  start [--ha] [--httpfs] [--dn 2] [--jn 1] [--block BYTES] [--conf KEY=VALUE]... [--jvm=FLAG]...
                     starts daemons on free ports of 127.0.0.1; a stopped cluster keeps its data and,
                     where none are given, its options
  stop [--delete]    stops them; with --delete their data go too
  status             what runs, where
  kill ID | spawn ID SIGKILLs one daemon (nn1, dn2, jn1, httpfs1) | starts it again
  tool NAME ARGS...  runs dfs, dfsadmin, haadmin, fsck or fetchdt as the superuser hdfs
Needs Java 17 and, the first time, Maven. State is in --dir, else SHARDFEED_HDFS_DIR, else .cache/hdfs/cluster.`;

const DEFAULT_DIR = fileURLToPath(new URL('../../.cache/hdfs/cluster', import.meta.url));
const OPTIONS = {
  dir: { type: 'string', default: process.env.SHARDFEED_HDFS_DIR || DEFAULT_DIR },
  ha: { type: 'boolean' },
  httpfs: { type: 'boolean' },
  dn: { type: 'string' },
  jn: { type: 'string' },
  block: { type: 'string' },
  conf: { type: 'string', multiple: true, default: [] },
  jvm: { type: 'string', multiple: true, default: [] },
  delete: { type: 'boolean', default: false },
};

class UsageError extends Error {}

/** Undefined where the command line says nothing. */
function clusterOptions({ ha, httpfs, dn, jn, block, conf, jvm }) {
  if ([ha, httpfs, dn, jn, block].every((value) => value === undefined) && conf.length + jvm.length === 0)
    return undefined;
  const number = (name, text) => {
    if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`--${name} takes a number from 1 on, not ${text}`);
    return Number(text);
  };
  const pairs = conf.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--conf takes KEY=VALUE, not ${text}`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const numbers = Object.entries({ dn, jn, block }).filter(([, text]) => text !== undefined);
  return {
    ...Object.fromEntries(numbers.map(([name, text]) => [name, number(name, text)])),
    ...(ha ? { ha } : {}),
    ...(httpfs ? { httpfs } : {}),
    conf: Object.fromEntries(pairs),
    jvm,
  };
}

function describe(state) {
  const lines = [`export HADOOP_CONF_DIR='${hdfs.clientConf(state.dir)}'`, '', `HDFS     ${state.defaultFS}/`];
  for (const { http } of state.nn) lines.push(`WebHDFS  webhdfs://${http}/`);
  for (const { http } of state.httpfs) lines.push(`HttpFS   httpfs://${http}/`);
  return lines.join('\n');
}

const COMMANDS = {
  async start({ values }) {
    const begin = performance.now();
    const state = await hdfs.startCluster(values.dir, clusterOptions(values) ?? hdfs.loadCluster(values.dir)?.options);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.error(state.wasRunning ? 'it runs already' : `started in ${seconds} s`);
    console.log(describe(state));
  },
  async stop({ values }) {
    await hdfs.stopCluster(values.dir, { clear: values.delete });
  },
  status({ values }) {
    const state = hdfs.loadCluster(values.dir);
    if (state === undefined) throw new Error(`there is no cluster in ${values.dir}: start one first`);
    const daemons = hdfs.clusterStatus(values.dir);
    for (const { id, pid, residentBytes, ...addresses } of daemons) {
      const what = pid === undefined ? 'does not run' : `pid ${pid}, ${Math.round(residentBytes / 1e6)} MB`;
      const where = Object.entries(addresses).map(([name, address]) => `${name} ${address}`);
      console.log(`${id.padEnd(8)}${what.padEnd(24)}${where.join(', ')}`);
    }
    if (daemons.every(({ pid }) => pid !== undefined)) console.log(`\n${describe(state)}`);
    else process.exitCode = 1;
  },
  kill: ({ values, args }) => hdfs.killDaemon(values.dir, args[0]),
  spawn: ({ values, args }) => hdfs.startDaemon(values.dir, args[0]),
  async tool({ values, args }) {
    const { status } = await hdfs.runTool(values.dir, args[0], args.slice(1), { stdio: 'inherit' });
    process.exitCode = status ?? 1;
  },
};

/** What follows `tool NAME` belongs to the tool. */
function splitLine(argv) {
  const at = argv.indexOf('tool');
  return at < 0 ? [argv, []] : [argv.slice(0, at + 1), argv.slice(at + 1)];
}

try {
  const [own, rest] = splitLine(process.argv.slice(2));
  const { positionals, values } = parseArgs({ args: own, options: OPTIONS, allowPositionals: true });
  const [name, ...more] = positionals;
  const args = [...more, ...rest];
  if (!Object.hasOwn(COMMANDS, name ?? '')) throw new UsageError(USAGE);
  if (['kill', 'spawn', 'tool'].includes(name) && args.length === 0) throw new UsageError(USAGE);
  await COMMANDS[name]({ values, args });
} catch (error) {
  const usage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  // Node goes on about arguments that begin with a dash.
  console.error(usage ? error.message.replace(/\. To specify .*/s, `; there are\n${USAGE}`) : error.message);
  process.exitCode = usage ? 2 : 1;
}
