// allreduce.mjs RANKS shm|tcp SIZES: RANKS processes reduce float32 arrays of these sizes (bytes, with commas). Rank 0 prints, for each,
// the milliseconds of every repetition after the warm-up. Between two of them all ranks wait for each other.
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const [ranks, implementation, sizes] = process.argv.slice(2);

if (process.env.RANK === undefined) await startRanks();
else await runRank();

async function startRanks() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const env = { ...process.env, WORLD_SIZE: ranks, MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port) };
  const exits = Array.from({ length: Number(ranks) }, (_, rank) => {
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { env: { ...env, RANK: String(rank) } });
    return new Promise((resolve) => child.on('exit', resolve));
  });
  const codes = await Promise.all(exits);
  process.exitCode = codes.find((code) => code !== 0) ?? 0;
}

async function runRank() {
  const { joinGroup } = await import('../../dist/train/index.js');
  const group = await joinGroup({ implementation });
  const times = {};
  for (const bytes of sizes.split(',').map(Number)) {
    const array = group.memory.array(Float32Array, bytes / 4);
    const repeats = bytes <= 1 << 16 ? 300 : bytes <= 1 << 20 ? 60 : 12;
    times[bytes] = [];
    for (let i = -3; i < repeats; i++) {
      array.fill(1);
      await group.barrier();
      const start = performance.now();
      await group.allReduce(array);
      if (i >= 0) times[bytes].push(performance.now() - start);
    }
    if (!array.every((value) => value === group.worldSize)) throw new Error(`wrong sums of ${bytes} bytes`);
  }
  if (group.rank === 0) console.log(JSON.stringify({ times }));
  await group.close();
}
