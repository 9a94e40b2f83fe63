// One rank of a job for tests, told by the environment: reduces for ever, or as often as said, and prints what became of it.
import { joinGroup } from '../../../dist/train/index.js';

const { implementation, elements, steps = Number.POSITIVE_INFINITY, sync = false } = JSON.parse(process.argv[2]);
const group = await joinGroup({ implementation, deadlines: { silence: 2 } });
console.log(JSON.stringify({ joined: group.implementation }));
const array = group.memory.array(Float32Array, elements);
try {
  for (let step = 0; step < steps && !group.stopRequested; step++) {
    group.enter('step', step);
    array.fill(group.rank + step);
    if (sync) group.allReduceSync(array);
    else await group.allReduce(array);
    const sum = (group.worldSize * (group.worldSize - 1)) / 2 + group.worldSize * step;
    if (!array.every((value) => value === sum)) throw new Error(`step ${step}: wrong sums`);
    if (step === 2) console.log(JSON.stringify({ step }));
    group.report({ step, loss: 0.5 });
  }
  console.log(JSON.stringify({ stopped: group.stopRequested }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message, culprit: error.cause?.rank }));
}
await group.close();
