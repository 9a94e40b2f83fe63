// Makes @tensorflow/tfjs-node usable where only package registries can be reached: `npm run setup:tfjs-node [-- FOLDER]`, default this project.
// Its install script fetches libtensorflow from a file server; here that comes out of TensorFlow's wheel, and the addon, which needs
// N-API alone, is compiled by g++. Does nothing where it is done. Linux x86_64; needs npm, g++ and Python with pip. `npm ci` wipes it.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const TFJS = '4.22.0';
const WHEEL = 'tensorflow-cpu==2.15.1';
const WHEEL_SHA256 = '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26';
const HEADERS = 'node-api-headers@1.9.0';

const project = resolve(process.argv[2] ?? '.');
const python = process.env.SHARDFEED_PYTHON ?? 'python3';
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'shardfeed', 'tfjs-node');
const folder = join(project, 'node_modules', '@tensorflow', 'tfjs-node');
const stamp = join(folder, 'deps', 'stamp');
const wanted = `${TFJS} ${WHEEL} 1`;

if (process.platform !== 'linux' || process.arch !== 'x64') fail('only Linux x86_64 is covered');
const temp = mkdtempSync(join(tmpdir(), 'tfjs-node-'));
try {
  if (!existsSync(join(folder, 'package.json'))) installPackage();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) say('is set up already');
  else {
    rmSync(join(folder, 'deps'), { recursive: true, force: true });
    rmSync(join(folder, 'lib'), { recursive: true, force: true });
    unpackLibraries();
    compileAddon();
    mendUtil(join(folder, 'dist'));
    writeFileSync(stamp, wanted);
  }
  tryIt();
} finally {
  rmSync(temp, { recursive: true, force: true });
}

function say(what) {
  console.log(`tfjs-node ${what}`);
}

function fail(what) {
  console.error(`tfjs-node: ${what}`);
  process.exit(1);
}

function run(command, args, options = {}) {
  return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', ...options });
}

/** Without its install script, and without a trace in package.json. */
function installPackage() {
  run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `@tensorflow/tfjs-node@${TFJS}`], {
    cwd: project,
  });
  say(`${TFJS} is installed`);
}

/** libtensorflow, which exports the whole C API, and the headers: out of the wheel, whatever Python runs here. */
function unpackLibraries() {
  mkdirSync(cache, { recursive: true });
  const wheels = () => readdirSync(cache).filter((name) => name.endsWith('.whl'));
  const requirements = join(temp, 'requirements.txt');
  writeFileSync(requirements, `${WHEEL} --hash=sha256:${WHEEL_SHA256}\n`);
  const platforms = ['manylinux2014_x86_64', 'manylinux_2_17_x86_64'].flatMap((name) => ['--platform', name]);
  const which = ['--python-version', '3.11', '--implementation', 'cp', ...platforms];
  // pip takes what is in the folder already, and checks that too.
  const download = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-deps', '--require-hashes'];
  run(python, [...download, '--only-binary=:all:', ...which, '-d', cache, '-r', requirements]);
  const unpack = `
import sys, zipfile
parts = ['tensorflow/c/', 'tensorflow/core/platform/', 'tensorflow/tsl/', 'tsl/c/', 'tsl/platform/', 'xla/tsl/c/']
headers = tuple('tensorflow/include/' + part for part in parts)
libraries = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name in libraries or name.startswith(headers) and name.endswith('.h'):
            wheel.extract(name, sys.argv[2])
`;
  run(python, ['-c', unpack, join(cache, wheels()[0]), temp]);
  const lib = join(folder, 'deps', 'lib');
  mkdirSync(lib, { recursive: true });
  run('cp', ['-r', join(temp, 'tensorflow', 'include'), join(folder, 'deps', 'include')]);
  for (const [name, link] of [
    ['libtensorflow_cc.so.2', 'libtensorflow.so'],
    ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'],
  ]) {
    run('cp', [join(temp, 'tensorflow', name), lib]);
    chmodSync(join(lib, name), 0o755);
    run('strip', ['--strip-unneeded', join(lib, name)]);
    symlinkSync(name, join(lib, link));
  }
  say('has libtensorflow');
}

function compileAddon() {
  const { binary } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const napi = Math.max(...binary.napi_versions.filter((version) => version <= Number(process.versions.napi)));
  const out = join(folder, 'lib', `napi-v${napi}`);
  mkdirSync(out, { recursive: true });
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(folder, 'binding', name));
  const flags = ['-O2', '-std=c++17', '-fPIC', '-shared', `-DNAPI_VERSION=${napi}`];
  const include = [`-I${nodeHeaders()}`, `-I${join(folder, 'deps', 'include')}`];
  const link = [`-L${join(folder, 'deps', 'lib')}`, '-ltensorflow', '-ltensorflow_framework'];
  const target = ['-o', join(out, 'tfjs_binding.node'), '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  run('g++', [...flags, ...include, ...sources, ...link, ...target]);
  say('has its addon');
}

/** Where node_api.h is: beside node, or out of a package. */
function nodeHeaders() {
  const places = [join(dirname(process.execPath), '..', 'include', 'node'), '/usr/include/node'];
  const found = places.find((place) => existsSync(join(place, 'node_api.h')));
  if (found !== undefined) return found;
  const [pack] = JSON.parse(run('npm', ['pack', '--json', '--silent', HEADERS], { cwd: temp }));
  run('tar', ['xzf', pack.filename], { cwd: temp });
  return join(temp, 'package', 'include');
}

/** Node 23 dropped two functions of util that the package calls. */
function mendUtil(dist) {
  for (const entry of readdirSync(dist, { recursive: true })) {
    const path = join(dist, String(entry));
    if (!path.endsWith('.js')) continue;
    const text = readFileSync(path, 'utf8');
    const mended = text
      .replaceAll('(0, util_1.isNullOrUndefined)(', '((v) => v === null || v === undefined)(')
      .replaceAll('(0, util_1.isArray)(', 'Array.isArray(');
    if (mended === text) continue;
    writeFileSync(`${path}.new`, mended);
    renameSync(`${path}.new`, path);
  }
}

function tryIt() {
  const code = `
const tf = require('@tensorflow/tfjs-node');
const sums = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync().join();
if (tf.getBackend() !== 'tensorflow' || sums !== '3,3,3,3') process.exit(1);
console.log('tfjs-node works: TensorFlow ' + tf.backend().binding.TF_Version + ', node ' + process.version);`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  process.stdout.write(run(process.execPath, ['-e', code], { cwd: project, env }));
}
