// A real HDFS on 127.0.0.1: NameNodes, JournalNodes, DataNodes and the HttpFS gateway, each a process of its own, all
// state in one folder. What runs is told by pid files, so any process can start, kill and stop.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { confFolders, writeConfiguration } from './configuration.mjs';
import { ensureJars, findJava } from './java.mjs';
import { exchange, untilOperational, untilUp } from './probes.mjs';
import { endDaemons, ownerFlag, pidOf, residentBytes, spawnDaemon } from './processes.mjs';

export { clientConf } from './configuration.mjs';
export { whyUnavailable } from './java.mjs';

const DEFAULTS = {
  ...{ dn: 2, jn: 1, ha: false, httpfs: false, block: 1 << 20 },
  ...{ conf: {}, jvm: [], env: {}, files: {}, headers: {} },
};

/** By kind, in the order in which they start. */
const MAIN = {
  jn: 'org.apache.hadoop.hdfs.qjournal.server.JournalNode',
  nn: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
  dn: 'org.apache.hadoop.hdfs.server.datanode.DataNode',
  httpfs: 'org.apache.hadoop.fs.http.server.HttpFSServerWebServer',
};
const TOOLS = {
  dfs: 'org.apache.hadoop.fs.FsShell',
  dfsadmin: 'org.apache.hadoop.hdfs.tools.DFSAdmin',
  haadmin: 'org.apache.hadoop.hdfs.tools.DFSHAAdmin',
  fsck: 'org.apache.hadoop.hdfs.tools.DFSck',
  fetchdt: 'org.apache.hadoop.hdfs.tools.DelegationTokenFetcher',
};
const KINDS = Object.keys(MAIN);

// Jersey 1, which serves WebHDFS, looks into java.lang: on Java 17 all answers would be an empty 500 otherwise.
const JVM = [
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  ...['-Xms32m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
  ...['-Djava.net.preferIPv4Stack=true', '-XX:-UsePerfData'],
];

const stateFile = (dir) => join(dir, 'cluster.json');
const kindOf = (id) => /^\D+/.exec(id)?.[0];
const daemonsOf = (state) => KINDS.flatMap((kind) => state[kind]);

/** What is in a folder: the cluster's state, or undefined. */
export function loadCluster(dir) {
  const file = stateFile(resolve(dir));
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function mustLoad(dir) {
  const state = loadCluster(dir);
  if (state === undefined) throw new Error(`there is no cluster in ${resolve(dir)}: start one first`);
  return state;
}

function mustFind(state, id) {
  const daemon = daemonsOf(state).find((one) => one.id === id);
  if (daemon !== undefined) return daemon;
  const names = daemonsOf(state).map((one) => one.id);
  throw new Error(`the cluster in ${state.dir} has no ${id}, but ${names.join(', ')}`);
}

/**
 * Free ports of 127.0.0.1, below those that Linux gives to connections: a daemon that starts, or is dead for a while, must
 * not find its port taken by one.
 */
async function freePorts(count) {
  const held = [];
  while (held.length < count) {
    const server = createServer();
    const isFree = await new Promise((done) =>
      server
        .on('error', () => done(false))
        .listen(20_000 + Math.floor(Math.random() * 12_000), '127.0.0.1', () => done(true)),
    );
    if (isFree) held.push(server);
  }
  const ports = held.map((server) => server.address().port);
  await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** A cluster's daemons and their addresses; every start takes new ports, which the data do not mind. */
async function layOut(dir, options) {
  const wanted = [
    { kind: 'nn', count: options.ha ? 2 : 1, addresses: ['rpc', 'http', 'https'] },
    { kind: 'jn', count: options.ha ? options.jn : 0, addresses: ['rpc', 'http', 'https'] },
    { kind: 'dn', count: options.dn, addresses: ['data', 'http', 'https', 'ipc'] },
    { kind: 'httpfs', count: options.httpfs ? 1 : 0, addresses: ['http'] },
  ];
  const ports = await freePorts(wanted.reduce((sum, { count, addresses }) => sum + count * addresses.length, 0));
  const next = () => `127.0.0.1:${ports.pop()}`;
  const state = { dir, options };
  for (const { kind, count, addresses } of wanted) {
    state[kind] = Array.from({ length: count }, (_, i) => ({
      id: `${kind}${i + 1}`,
      ...Object.fromEntries(addresses.map((name) => [name, next()])),
    }));
  }
  state.defaultFS = options.ha ? 'hdfs://ns1' : `hdfs://${state.nn[0].rpc}`;
  return state;
}

const environment = ({ options }, user = 'hdfs') => ({ ...options.env, ...process.env, HADOOP_USER_NAME: user });

function javaArgs(state, id, flags, main, args) {
  const classPath = [...confFolders(state.dir, id), `${ensureJars()}/*`].join(':');
  return [...JVM, ...state.options.jvm, ...flags, '-cp', classPath, main, ...args];
}

function spawnIn(state, { id }) {
  const kind = kindOf(id);
  const flags = [ownerFlag(state.dir, id)];
  if (kind === 'httpfs') {
    const conf = confFolders(state.dir, id)[0];
    const folders = { 'home.dir': conf, 'config.dir': conf, 'log.dir': join(state.dir, 'logs'), 'temp.dir': conf };
    flags.push(...Object.entries(folders).map(([name, folder]) => `-Dhttpfs.${name}=${folder}`));
  }
  spawnDaemon(state.dir, id, findJava(), javaArgs(state, id, flags, MAIN[kind], []), environment(state));
}

/** Runs a daemon's class once, for what prepares its data. */
function prepare(state, id, args) {
  const command = javaArgs(state, id, [], MAIN[kindOf(id)], [...args, '-nonInteractive', '-force']);
  const { status, stdout } = spawnSync(findJava(), command, { env: environment(state), encoding: 'utf8' });
  if (status !== 0) throw new Error(`${id} ${args[0]} ended with ${status}:\n${stdout.slice(-2000)}`);
}

/** Runs one of Hadoop's own tools against the cluster, as its superuser or another `user`: { status, stdout, stderr }. */
export function runTool(dir, name, args, { user = 'hdfs', stdio = 'pipe' } = {}) {
  const state = mustLoad(dir);
  const main = TOOLS[name];
  if (main === undefined) throw new Error(`no tool ${name}; there are ${Object.keys(TOOLS).join(', ')}`);
  const child = spawn(findJava(), javaArgs(state, 'client', [], main, args), { stdio, env: environment(state, user) });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream]?.setEncoding('utf8').on('data', (part) => {
      text[stream] += part;
    });
  }
  return new Promise((resolve, reject) =>
    child.on('error', reject).on('close', (status) => resolve({ status, ...text })),
  );
}

async function mustRun(dir, name, args) {
  const { status, stderr } = await runTool(dir, name, args);
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status}: ${stderr}`);
}

/**
 * Starts the cluster of a folder and waits until it serves. Of one that runs, what has died is started again; one
 * that was stopped keeps its data; what an interrupted start left is cleared away first.
 * @throws UnavailableError without Java or Maven; Error where the folder's cluster has other options, and where the folder
 * holds something else, which stays as it is
 */
export async function startCluster(folder, options = {}) {
  const dir = resolve(folder);
  const wanted = { ...DEFAULTS, ...options };
  const before = loadCluster(dir);
  if (before?.ready && !isDeepStrictEqual(before.options, wanted)) {
    throw new Error(`the cluster in ${dir} has other options: stop it with --delete, or choose another --dir`);
  }
  if (before === undefined && existsSync(dir) && readdirSync(dir).length > 0) {
    throw new Error(`${dir} holds something else than a cluster: choose a new folder, or an empty one`);
  }
  findJava();
  ensureJars();
  const running = before?.ready ? daemonsOf(before).filter(({ id }) => pidOf(dir, id) !== undefined) : [];
  if (running.length > 0) {
    for (const { id } of daemonsOf(before)) await startDaemon(dir, id);
    return { ...before, wasRunning: running.length === daemonsOf(before).length };
  }
  if (before !== undefined)
    await endDaemons(
      dir,
      daemonsOf(before).map(({ id }) => id),
    );
  if (!before?.ready) rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const state = await layOut(dir, wanted);
  const save = (ready) => writeFileSync(stateFile(dir), JSON.stringify({ ...state, ready }, null, 1));
  save(before?.ready ?? false);
  writeConfiguration(state);
  try {
    await bringUp(state, before?.ready ?? false);
  } catch (error) {
    await endDaemons(
      dir,
      daemonsOf(state).map(({ id }) => id),
    );
    throw error;
  }
  save(true);
  return { ...state, ready: true, wasRunning: false };
}

async function bringUp(state, formatted) {
  const { nn, jn, httpfs } = state;
  const start = (kind) => {
    for (const daemon of state[kind]) spawnIn(state, daemon);
  };
  start('jn');
  await Promise.all(jn.map((daemon) => untilUp(state, 'jn', daemon)));
  start('dn'); // they ask for their NameNode until it is there
  if (!formatted) prepare(state, 'nn1', ['-format', '-clusterid', 'shardfeed']);
  spawnIn(state, nn[0]);
  await untilUp(state, 'nn', nn[0]);
  if (state.options.ha) {
    if (!formatted) prepare(state, 'nn2', ['-bootstrapStandby']);
    spawnIn(state, nn[1]);
    await untilUp(state, 'nn', nn[1]);
    await mustRun(state.dir, 'haadmin', ['-transitionToActive', 'nn1']);
  }
  await untilOperational(state);
  start('httpfs');
  await Promise.all(httpfs.map((daemon) => untilUp(state, 'httpfs', daemon)));
  if (!formatted && state.options.conf['hadoop.security.authentication'] !== 'kerberos') await makeHomes(state);
}

/** /tmp for everybody and a home for who started the cluster, by the first NameNode's WebHDFS. */
async function makeHomes(state) {
  const user = encodeURIComponent(userInfo().username);
  const calls = [
    ['/tmp', 'op=MKDIRS&permission=1777'],
    [`/user/${user}`, 'op=MKDIRS'],
    [`/user/${user}`, `op=SETOWNER&owner=${user}`],
  ];
  for (const [path, query] of calls) {
    const { status, text } = await exchange(state, state.nn[0], `/webhdfs/v1${path}?${query}&user.name=hdfs`, 'PUT');
    if (status !== 200) throw new Error(`${query} ${path}: ${status} ${text}`);
  }
}

/** Stops every daemon: SIGTERM, after 8 s SIGKILL. `clear` deletes the data too. */
export async function stopCluster(folder, { clear = false } = {}) {
  const dir = resolve(folder);
  const state = loadCluster(dir);
  if (state === undefined) return;
  await endDaemons(
    dir,
    daemonsOf(state).map(({ id }) => id),
  );
  if (clear) rmSync(dir, { recursive: true, force: true });
}

/** Ends one daemon, with SIGKILL unless told otherwise, and waits until it is gone. */
export async function killDaemon(dir, id, signal = 'SIGKILL') {
  const state = mustLoad(dir);
  mustFind(state, id);
  await endDaemons(state.dir, [id], { signal });
}

/** Starts one daemon again and waits until it serves; one that runs is left alone. */
export async function startDaemon(dir, id) {
  const state = mustLoad(dir);
  const daemon = mustFind(state, id);
  if (pidOf(state.dir, id) === undefined) spawnIn(state, daemon);
  await untilUp(state, kindOf(id), daemon);
}

/** Every daemon with its addresses; `pid` and `residentBytes` where it runs. */
export function clusterStatus(dir) {
  const state = mustLoad(dir);
  return daemonsOf(state).map((daemon) => {
    const pid = pidOf(state.dir, daemon.id);
    return pid === undefined ? daemon : { ...daemon, pid, residentBytes: residentBytes(pid) };
  });
}
