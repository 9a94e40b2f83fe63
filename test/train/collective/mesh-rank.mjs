// One rank of a job in a process of its own: joins, then reduces, again and again, until the job fails; then says why and ends.
// argv: JSON of { options: MeshOptions, floats, throwAt? }; tells its parent { joined }, { step, at: milliseconds }, { failed: { code, message, culprit } }.

import { joinMesh } from '../../../dist/train/collective/mesh-join.js';
import { tcpTransport } from '../../../dist/train/collective/tcp/tcp-transport.js';
import { SCRATCH_BYTES } from '../../../dist/train/collective/transport.js';
import { TrainMemory } from '../../../dist/train/kernel/train-memory.js';

const { options, floats, throwAt = -1 } = JSON.parse(process.argv[2]);
const tell = (message) => new Promise((resolve) => process.send(message, resolve));
process.on('disconnect', () => process.exit());

let mesh;
try {
  mesh = await joinMesh(options);
  await tell({ joined: true });
  const memory = new TrainMemory();
  const scratch = memory.alloc(SCRATCH_BYTES);
  const transport = tcpTransport({ mesh, memory: memory.wasm, kernel: memory.kernel, scratch });
  const array = memory.array(Float32Array, floats);
  for (let step = 1; ; step++) {
    mesh.progress('step', step);
    if (step === throwAt) await broken(step);
    mesh.waiting(true);
    await transport.allReduce({ address: array.byteOffset, count: floats, type: 'float32' }, 'sum', false);
    mesh.waiting(false);
    await tell({ step, at: performance.now() });
  }
} catch ({ code, message, cause }) {
  await tell({ failed: { code, message, culprit: cause } });
  process.exit(1);
}

async function broken(step) {
  await mesh.fail(new TypeError(`nothing works at step ${step}`));
  process.exit(1);
}
