// A rank that joins the others, leaves them, and would join them again.
import { joinGroup } from '../../../dist/train/index.js';

for (let round = 0; round < 2; round++) {
  const group = await joinGroup();
  await group.barrier();
  await group.close();
}
