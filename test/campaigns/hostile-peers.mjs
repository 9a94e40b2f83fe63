// npm run campaign:hostile-peers -- [--count 10000] [--loris 200] [--seed N]
// Strangers against a job of three ranks: `count` connections that send garbage of many kinds, and `loris` ones that dribble a byte
// now and then, first while two ranks wait for the third, at the ports of both, then while all three reduce. The third must get in,
// the job must go on, and memory must stay. Memory is read from /proc, so of Linux alone.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { randomOf } from '../random.mjs';

const RANK = fileURLToPath(new URL('../train/collective/mesh-rank.mjs', import.meta.url));
const AT_ONCE = 40;
const STEPS = 60;

export async function hostilePeersCampaign({ count, loris, seed, log = () => {} }) {
  const random = randomOf(seed);
  const ports = [await freePort(), await freePort()];
  const job = { worldSize: 3, address: '127.0.0.1', port: ports[0], jobId: 'job', secret: 'open sesame' };
  const children = [];
  const dribbling = [];
  try {
    const start = (rank) => {
      const options = { ...job, rank, deadlines: { join: 120 }, ...(rank === 1 && { listen: `:${ports[1]}` }) };
      const child = fork(RANK, [JSON.stringify({ options, floats: 1 << 18 })]);
      child.steps = [];
      child.on('message', ({ at, failed }) => {
        if (at !== undefined) child.steps.push(at);
        if (failed !== undefined) child.failed = failed;
      });
      children.push(child);
    };
    start(0);
    start(1);
    await Promise.all(ports.map(reachable));
    const before = children.map(rssOf);

    dribbling.push(...Array.from({ length: loris }, (_, i) => dribble(ports[i % 2])));
    const half = Math.ceil(count / 2);
    const waiting = await throwGarbage(half, ports, random);
    log(`while a rank was missing: ${half} connections, ${waiting.refused} refused`);
    const storm = throwGarbage(Math.ceil(half / 5), ports, random);
    start(2);
    await stepsOf(children, 1);
    await storm;
    log('the third rank is in');

    await stepsOf(children, STEPS);
    const quiet = medianStep(children[0]);
    const from = children[0].steps.length;
    const more = Array.from({ length: loris }, (_, i) => dribble(ports[i % 2]));
    dribbling.push(...more);
    // Some 800 a second: as fast as they can they would show how much of the machine it takes to attack.
    const { refused } = await throwGarbage(count - half, ports, random, 50);
    await stepsOf(children, from + STEPS);
    const disturbed = medianStep(children[0], from);
    // Of the first two: the third was not there when it began.
    const grown = before.map((kib, i) => (rssOf(children[i]) - kib) / 1024);
    log(
      `while they reduced: ${count - half} connections, ${refused} refused; a step took ${quiet.toFixed(2)} ms, then ${disturbed.toFixed(2)} ms`,
    );
    log(`memory grew by ${grown.map((mib) => mib.toFixed(1)).join(' and ')} MiB`);
    return { grown, quiet, disturbed };
  } finally {
    for (const socket of dribbling) socket.end();
    for (const child of children) child.kill('SIGKILL');
  }
}

/** What strangers send. */
const KINDS = [
  (random) => bytesOf(random, 1 + Math.floor(random() * 2000)),
  () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  (random) => Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1]), bytesOf(random, 511)]),
  () => Buffer.from([0xff, 0xff, 0xff, 0xff, 5]),
  () => frame('{"version":1}'),
  () => frame('['.repeat(1000)),
  (random) => hello(random),
  (random) => Buffer.concat([hello(random), frame(JSON.stringify({ mac: bytesOf(random, 32).toString('base64') }))]),
  (random) => hello(random).subarray(0, 50),
  () => Buffer.alloc(0),
];

function hello(random) {
  const nonce = bytesOf(random, 32).toString('base64');
  const rank = Math.floor(random() * 4);
  const job = { jobId: 'job', planHash: '', worldSize: 3, attempt: 0 };
  return frame(JSON.stringify({ version: 1, channel: 'control', nonce, ...job, rank, to: Math.floor(random() * 3) }));
}

function frame(text) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length);
  head[4] = 5;
  return Buffer.concat([head, Buffer.from(text)]);
}

function bytesOf(random, length) {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

/** Connections that each send something and then end, are reset, or wait to be thrown out. */
async function throwGarbage(count, ports, random, pauseMs = 0) {
  let left = count;
  let refused = 0;
  const one = () =>
    new Promise((resolve) => {
      const bytes = KINDS[Math.floor(random() * KINDS.length)](random);
      const end = random();
      const socket = connect(ports[left % 2], '127.0.0.1', () => {
        socket.write(bytes);
        if (end < 0.4) socket.end();
        else if (end < 0.6) socket.resetAndDestroy();
        else setTimeout(() => socket.destroy(), 200).unref();
      });
      socket.on('error', ({ code }) => {
        if (code === 'ECONNREFUSED') refused++;
      });
      socket.on('close', resolve);
      socket.resume();
    });
  const lane = async () => {
    while (left-- > 0) {
      await one();
      if (pauseMs > 0) await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return { refused };
}

/** A byte now and then of what might become a frame. */
function dribble(port) {
  const socket = connect(port, '127.0.0.1');
  const timer = setInterval(() => socket.write('\0'), 400);
  socket.on('error', () => {});
  socket.on('close', () => clearInterval(timer));
  socket.resume();
  return socket;
}

async function stepsOf(children, wanted) {
  while (children.some(({ steps }) => steps.length < wanted)) {
    const failed = children.find((child) => child.failed !== undefined || child.exitCode !== null);
    if (failed !== undefined) throw new Error(`a rank ended: ${JSON.stringify(failed.failed)}`);
    await sleep(20);
  }
}

function medianStep({ steps }, from = 0) {
  const times = steps.slice(from + 1).map((at, i) => at - steps[from + i]);
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function rssOf({ pid }) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

async function reachable(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const there = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).then(
      () => socket.readyState === 'open',
      () => false,
    );
    socket.destroy();
    if (there) return;
    await sleep(50);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: { count: { type: 'string' }, loris: { type: 'string' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`seed ${seed}`);
  const { grown } = await hostilePeersCampaign({
    count: Number(values.count ?? 10_000),
    loris: Number(values.loris ?? 200),
    seed,
    log: console.log,
  });
  if (Math.max(...grown) > 50) throw new Error('memory grew by more than 50 MiB');
}
