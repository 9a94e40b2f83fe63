// Where a campaign's datasets lie, and how it looks at them without the help of what it tests.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientConf, startCluster, stopCluster } from '../../scripts/hdfs/cluster.mjs';

/** A fresh folder on local disk. */
export function localPlace() {
  const root = mkdtempSync(join(tmpdir(), 'shardfeed-campaign-'));
  const at = (path) => join(root, path);
  return {
    env: {},
    uri: at,
    /** The names in a folder; none where there is no folder. */
    names: async (folder) => (existsSync(at(folder)) ? readdirSync(at(folder)) : []),
    exists: async (path) => existsSync(at(path)),
    text: async (path) => readFileSync(at(path), 'utf8'),
    make: async (folder) => {
      mkdirSync(at(folder), { recursive: true });
    },
    remove: async (path) => rmSync(at(path), { recursive: true, force: true }),
    /** Makes a file or folder, and what lies directly in it, look as if it had not been touched for `seconds`. */
    age: async (path, seconds) => {
      const old = new Date(Date.now() - seconds * 1000);
      if (statSync(at(path)).isDirectory()) {
        for (const name of readdirSync(at(path))) utimesSync(at(`${path}/${name}`), old, old);
      }
      utimesSync(at(path), old, old);
    },
  };
}

/** A folder of a cluster, by plain calls of its first NameNode. `authority` makes the URIs; default is the cluster's own. */
export async function hdfsPlace(cluster, root = '/campaign', authority = cluster.defaultFS) {
  const base = `http://${cluster.nn[0].http}/webhdfs/v1${root}`;
  async function call(method, path, query) {
    const answer = await fetch(`${base}/${path}?${query}&user.name=hdfs`, { method });
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`${method} ${path} ${query}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
  const list = async (path) =>
    (await (await call('GET', path, 'op=LISTSTATUS'))?.json())?.FileStatuses.FileStatus ?? [];
  const place = {
    env: { HADOOP_CONF_DIR: clientConf(cluster.dir), HADOOP_USER_NAME: 'hdfs' },
    uri: (path) => `${authority}${root}/${path}`,
    names: async (folder) => (await list(folder)).map(({ pathSuffix }) => pathSuffix),
    exists: async (path) => (await call('GET', path, 'op=GETFILESTATUS')) !== undefined,
    text: async (path) => (await call('GET', path, 'op=OPEN')).text(),
    make: async (folder) => void (await call('PUT', folder, 'op=MKDIRS')),
    remove: async (path) => void (await call('DELETE', path, 'op=DELETE&recursive=true')),
    async age(path, seconds) {
      const time = Date.now() - seconds * 1000;
      const inner = (await list(path)).filter(({ pathSuffix }) => pathSuffix !== '');
      const paths = [...inner.map(({ pathSuffix }) => `${path}/${pathSuffix}`), path];
      for (const one of paths) await call('PUT', one, `op=SETTIMES&modificationtime=${time}`);
    },
  };
  await place.remove('');
  await place.make('');
  return place;
}

const CLI = new URL('../../dist/cli/main.js', import.meta.url).pathname;

/**
 * Starts the command line tool. `ended` resolves to { code, signal, stdout, stderr, seconds }; with `collect: false` the
 * output is left to who asks `child` for it.
 */
export function startTool(place, args, { collect = true } = {}) {
  const begin = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...place.env } });
  const text = { stdout: '', stderr: '' };
  for (const name of collect ? ['stdout', 'stderr'] : ['stderr']) {
    child[name].setEncoding('utf8').on('data', (part) => {
      text[name] += part;
    });
  }
  const ended = new Promise((resolve) =>
    child.on('close', (code, signal) =>
      resolve({ code, signal, ...text, seconds: (performance.now() - begin) / 1000 }),
    ),
  );
  return { child, ended };
}

/** Runs the command line tool to its end. @throws where it fails */
export async function runTool(place, args) {
  const run = await startTool(place, args).ended;
  if (run.code === 0) return run;
  throw new Error(`shardfeed ${args.join(' ')} ended with ${run.code ?? run.signal}: ${run.stderr}`);
}

/** Lends a cluster of its own to `use`. */
export async function withCluster(options, use) {
  const folder = mkdtempSync(join(tmpdir(), 'shardfeed-cluster-'));
  const stop = () => stopCluster(folder, { clear: true });
  // The daemons would outlive a Ctrl-C.
  const interrupted = () => void stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    return await use(await startCluster(folder, options));
  } finally {
    process.removeListener('SIGINT', interrupted);
    await stop();
  }
}
