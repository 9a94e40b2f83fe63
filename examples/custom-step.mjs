// shardfeed train examples/custom-step.mjs --workers 2: a model that no package knows, trained by `fit`: least squares by hand. The data is made here;
// `batches` says which rows of it a rank sees.
import { fit, freeModel, sgd } from 'shardfeed/train';

const TRUTH = [2, -3, 0.5];
const features = (row) => [Math.sin(row), Math.cos(3 * row), 1];
const w = new Float32Array(3);

const { step } = await fit({
  model: freeModel({
    variables: { w },
    trainStep({ columns, mask, size }) {
      const [x, y] = [columns.x.values, columns.y.values];
      const gradient = new Float32Array(3);
      let loss = 0;
      let rows = 0;
      for (let row = 0; row < size; row++) {
        if (mask[row] === 0) continue;
        const error = w[0] * x[3 * row] + w[1] * x[3 * row + 1] + w[2] * x[3 * row + 2] - y[row];
        loss += error * error;
        for (let k = 0; k < 3; k++) gradient[k] += 2 * error * x[3 * row + k];
        rows++;
      }
      return { loss: loss / rows, weight: rows, gradients: { w: gradient.map((sum) => sum / rows) } };
    },
  }),
  *batches({ rank, worldSize, epoch }) {
    for (let step = 0; step < 20; step++) {
      const rows = Array.from({ length: 64 }, (_, i) => (epoch * 20 + step) * 64 + i).filter(
        (row) => row % worldSize === rank,
      );
      const x = Float32Array.from(rows.flatMap(features));
      const y = Float32Array.from(rows, (row) => features(row).reduce((sum, value, k) => sum + value * TRUTH[k], 0));
      const columns = { x: { layout: 'fixed', values: x, shape: [3] }, y: { layout: 'fixed', values: y, shape: [] } };
      yield { size: rows.length, columns, mask: new Uint8Array(rows.length).fill(1) };
    }
  },
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  epochs: 5,
});
if ((process.env.RANK ?? '0') === '0')
  console.log(`after ${step} steps: ${[...w].map((value) => value.toFixed(3)).join(' ')}`);
